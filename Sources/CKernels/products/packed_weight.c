// Packing of weights for generation: panels of columns, in bfloat16 or in integers with scales (gemv.h).

#include "gemv.h"
#include "threads.h"

#include <string.h>

#ifndef SIMD

typedef struct {
    int32_t weight;
    int64_t k, n;
    const float *w;
    int64_t row, column;
    char *packed;
    float *floats;
} GPT_CONTEXT pack_job;

// The index of the integer at (row, column) among those of a block: rows in pairs, which one instruction multiplies.
static inline int64_t index_in_block(int64_t row, int64_t column) {
    return row / 2 * 2 * GPT_PANEL + 2 * column + row % 2;
}

#endif

#ifdef SIMD

#include "packed_weight.h"

// A block of W as floats, `depth` rows of GPT_PANEL columns, padded with zeros beyond `columns`.
static void NAME(gather)(const pack_job *job, int64_t p, int64_t depth, int64_t j, int64_t columns, float *block) {
    const float *w = job->w + p * job->row + j * job->column;
    memset(block, 0, GPT_SCALE_BLOCK * GPT_PANEL * sizeof *block);
    if (job->column == 1) {
        for (int64_t r = 0; r < depth; r++)
            memcpy(block + r * GPT_PANEL, w + r * job->row, (size_t)columns * sizeof *block);
        return;
    }
    for (int64_t c = 0; c < columns; c += LANES)
        for (int64_t r = 0; r < depth; r += LANES) {
            vf square[LANES];
            if (columns - c < LANES || depth - r < LANES || job->row != 1) {
                for (int64_t a = c; a < at_most(c + LANES, columns); a++)
                    for (int64_t b = r; b < at_most(r + LANES, depth); b++)
                        block[b * GPT_PANEL + a] = w[b * job->row + a * job->column];
                continue;
            }
            for (int a = 0; a < LANES; a++) square[a] = load(w + (c + a) * job->column + r);
            transpose(square);
            for (int a = 0; a < LANES; a++) store(block + (r + a) * GPT_PANEL + c, square[a]);
        }
}

// Quantizes a block to int8. The scale of each column is its largest magnitude over 127, rounded up to bfloat16 so that
// no quotient exceeds 127.
static void NAME(quantize_block)(const float *block, int64_t depth, char *packed) {
    int8_t *integers = (int8_t *)packed + scale_bytes(GPT_WEIGHT_INT8);
    uint16_t scales[GPT_PANEL];
    for (int64_t j = 0; j < GPT_PANEL; j += LANES) {
        vf highest = splat(0), zero_or_nan = splat(0);
        for (int64_t r = 0; r < depth; r++) {
            vf x = load(block + r * GPT_PANEL + j);
            highest = vmax(vmax(x, -x), highest);
            zero_or_nan += x * 0.0f;    // NaN if x is NaN or infinite; then the whole column becomes NaN
        }
        vf wanted = highest * (1.0f / 127) + zero_or_nan;
        vf scale = wanted == wanted ? floats_of((bits_of(wanted) + 0xffffu) & 0xffff0000u) : splat(NAN);
        vf factor = 1.0f / scale;
        float factors[LANES], rounded[LANES];
        store(rounded, scale);
        for (int l = 0; l < LANES; l++) {
            uint32_t bits;
            memcpy(&bits, rounded + l, sizeof bits);
            scales[j + l] = (uint16_t)(bits >> 16);
        }
        store(factors, scale > 0 ? factor : splat(0));
        for (int64_t r = 0; r < (depth + 1) / 2 * 2; r++)    // the row after an odd last row is 0
            for (int l = 0; l < LANES; l++) {
                const float round = 12582912.0f;    // 1.5 * 2^23: adding it rounds to the nearest integer
                float q = block[r * GPT_PANEL + j + l] * factors[l] + round - round;
                q = q > 127 ? 127 : q;
                q = q >= -127 ? q : -127;
                integers[index_in_block(r, j + l)] = (int8_t)q;
            }
    }
    memcpy(packed, scales, sizeof scales);
}

static void NAME(pack_weight)(void *context, int64_t panel) {
    const pack_job *job = context;
    char *to = job->packed + panel * panel_bytes(job->weight, job->k);
    const int64_t first = panel * GPT_PANEL, columns = at_most(job->n - first, GPT_PANEL);
    float block[GPT_SCALE_BLOCK * GPT_PANEL];
    for (int64_t p = 0; p < job->k; p += GPT_SCALE_BLOCK, to += block_bytes(job->weight)) {
        const int64_t depth = at_most(job->k - p, GPT_SCALE_BLOCK);
        NAME(gather)(job, p, depth, first, columns, block);
        if (job->weight == GPT_WEIGHT_INT8) {
            NAME(quantize_block)(block, depth, to);
            continue;
        }
        NAME(round_all)(block, block, depth * GPT_PANEL);
        for (int64_t i = 0; i < depth * GPT_PANEL; i++) {
            uint32_t bits;
            memcpy(&bits, block + i, sizeof bits);
            const uint16_t half = (uint16_t)(bits >> 16);
            memcpy(to + 2 * i, &half, sizeof half);
        }
    }
}

static void NAME(unpack_weight)(void *context, int64_t panel) {
    const pack_job *job = context;
    const char *from = job->packed + panel * panel_bytes(job->weight, job->k);
    const int64_t first = panel * GPT_PANEL, columns = at_most(job->n - first, GPT_PANEL);
    for (int64_t p = 0; p < job->k; p++) {
        const char *block = from + p / GPT_SCALE_BLOCK * block_bytes(job->weight);
        const int8_t *integers = (const int8_t *)block + scale_bytes(job->weight);
        const int64_t row = p % GPT_SCALE_BLOCK;
        for (int64_t j = 0; j < columns; j += LANES) {
            vf x;
            if (job->weight == GPT_WEIGHT_INT8) {
                float numbers[LANES];
                for (int l = 0; l < LANES; l++) numbers[l] = integers[index_in_block(row, j + l)];
                x = load(numbers) * NAME(widen)(block + 2 * j);
            } else {
                x = NAME(widen)(block + 2 * (row * GPT_PANEL + j));
            }
            store_up_to(job->floats + p * job->n + first + j, x, columns - j);
        }
    }
}

#else

#define KERNEL_SOURCE "../products/packed_weight.c"
#include "each_instruction_set.h"

KERNEL_TABLE(pack_weight);
KERNEL_TABLE(unpack_weight);

int64_t gpt_packed_bytes(int32_t weight, int64_t k, int64_t n) { return panels_of(n) * panel_bytes(weight, k); }

void gpt_pack_weight(
    gpt_execution execution, int32_t weight, int64_t k, int64_t n, const float *w, int64_t row, int64_t column,
    void *packed) {
    pack_job job = {.weight = weight, .k = k, .n = n, .w = w, .row = row, .column = column, .packed = packed};
    if (k * n < 16384) execution.threads = 1;
    gpt_parallel(execution.threads, panels_of(n), pack_weight_table[execution.instruction_set], &job);
}

void gpt_unpack_weight(gpt_execution execution, int32_t weight, int64_t k, int64_t n, const void *packed, float *w) {
    pack_job job = {.weight = weight, .k = k, .n = n, .packed = (char *)packed, .floats = w};
    gpt_parallel(execution.threads, panels_of(n), unpack_weight_table[execution.instruction_set], &job);
}

#endif
