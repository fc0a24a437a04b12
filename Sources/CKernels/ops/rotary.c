// Rotary position embedding: each pair (a, b) of a head becomes (a cos - b sin, b cos + a sin). The pairs are the
// elements j and j + size / 2, so that whole vectors of both halves are combined.

#include "rotary.h"
#include "threads.h"

#ifndef SIMD

enum { ROTARY_ROWS = 32 };

typedef struct {
    int64_t rows, length, heads, size, offset;
    const int32_t *row_positions;
    const float *x, *table;
    float *out;
    bool inverse, add;
} GPT_CONTEXT rotary;

#endif

#ifdef SIMD

static void NAME(rotary)(void *context, int64_t item) {
    const rotary *r = context;
    const int64_t half = r->size / 2, width = r->heads * r->size;
    const int64_t first = item * ROTARY_ROWS, end = first + ROTARY_ROWS < r->rows ? first + ROTARY_ROWS : r->rows;
    for (int64_t row = first; row < end; row++) {
        const int64_t position = r->row_positions ? r->row_positions[row] : row % r->length + r->offset;
        const float *cosines = r->table + position * r->size, *sines = cosines + half;
        for (int64_t head = 0; head < r->heads; head++) {
            const float *x = r->x + row * width + head * r->size;
            float *out = r->out + row * width + head * r->size;
            for (int64_t j = 0; j < half; j += LANES) {
                const int64_t left = half - j;
                vf a = load_up_to(x + j, left), b = load_up_to(x + half + j, left);
                vf c = load_up_to(cosines + j, left), s = load_up_to(sines + j, left);
                if (r->inverse) s = -s;
                vf rotated_a = a * c - b * s, rotated_b = b * c + a * s;
                if (r->add) {
                    rotated_a += load_up_to(out + j, left);
                    rotated_b += load_up_to(out + half + j, left);
                }
                store_up_to(out + j, rotated_a, left);
                store_up_to(out + half + j, rotated_b, left);
            }
        }
    }
}

#else

#define KERNEL_SOURCE "../ops/rotary.c"
#include "each_instruction_set.h"

KERNEL_TABLE(rotary);

void gpt_rotary(
    gpt_execution execution, int64_t rows, int64_t length, int64_t heads, int64_t size, int64_t offset,
    const int32_t *row_positions, const float *x, const float *table, bool inverse, float *out, bool add) {
    rotary r = {
        .rows = rows, .length = length, .heads = heads, .size = size, .offset = offset, .row_positions = row_positions,
        .x = x, .table = table, .out = out, .inverse = inverse, .add = add,
    };
    gpt_parallel(
        execution.threads, (rows + ROTARY_ROWS - 1) / ROTARY_ROWS, rotary_table[execution.instruction_set], &r);
}

#endif
