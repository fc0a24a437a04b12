// Products of few rows with a packed weight (gemv.h): panels of columns, which are read in the order of memory. Within
// a panel, blocks of GPT_SCALE_BLOCK rows. With int8, x is quantized to 16-bit integers: converting the weights to
// floats one by one took longer than reading them.

#include "gemv_kinds.h"
#include "packed_weight.h"
#include "threads.h"

#include <float.h>
#include <string.h>

#ifndef SIMD

enum {
    GROUP_ROWS = 6,
    AHEAD = 2048,    // how far a panel is prefetched, in bytes
};

typedef struct {
    gpt_gemv m;
    const float *x;           // (m, k), rounded to bfloat16
    int16_t *integers;        // for int8: x in whole blocks,
    float *scales;            // and the scales of these, (m, blocks)
    int64_t panels, ranges;   // in how many ranges the panels are divided
} GPT_CONTEXT gemv_packed_job;

#endif

#ifdef SIMD

// How many vectors of columns are summed at a time. For one or two rows of x there are registers for more than VECTORS,
// so that a block is read in the order of memory, or in two passes.
enum { NAME(most_vectors) = LANES == 1 ? VECTORS : GPT_PANEL / LANES };

ALWAYS_INLINE int NAME(vectors_for)(const int rows) {
    const int vectors = NAME(most_vectors) / rows;
    return rows <= 2 && vectors > VECTORS ? vectors : VECTORS;
}

// Prefetches what is read after a row of a panel of `vectors` vectors.
ALWAYS_INLINE void NAME(prefetch_row)(const char *row, const int vectors) {
    for (int i = 0; i < 2 * vectors * LANES; i += 64) __builtin_prefetch(row + AHEAD + i, 0, 2);
}

// totals (rows, GPT_PANEL) += some rows of x times one block of a panel in bfloat16, of `depth` rows.
ALWAYS_INLINE void NAME(block)(
    const int rows, const int vectors, int64_t depth, const float *x, int64_t x_row, const char *w, float *totals) {
    for (int64_t j = 0; j < GPT_PANEL; j += vectors * LANES) {
        vf sums[GROUP_ROWS][NAME(most_vectors)];
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) sums[r][v] = load(totals + r * GPT_PANEL + j + v * LANES);
        const char *row = w + 2 * j;
        for (int64_t p = 0; p < depth; p++, row += 2 * GPT_PANEL) {
            NAME(prefetch_row)(row, vectors);
            vf columns[NAME(most_vectors)];
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) columns[v] = NAME(widen)(row + 2 * v * LANES);
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) {
                vf factor = splat(x[r * x_row + p]);
#pragma clang loop unroll(full)
                for (int v = 0; v < vectors; v++) sums[r][v] = factor * columns[v] + sums[r][v];
            }
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) store(totals + r * GPT_PANEL + j + v * LANES, sums[r][v]);
    }
}

// The same for int8, whose rows come in pairs. x and scales begin at this block; the rows of x are `x_row` and
// `scale_row` apart. The sums within a block are of integers, and exact.
ALWAYS_INLINE void NAME(integer_block)(
    const int rows, const int vectors, int64_t pairs, const int16_t *x, int64_t x_row, const float *scales,
    int64_t scale_row, const char *w, float *totals) {
    for (int64_t j = 0; j < GPT_PANEL; j += vectors * LANES) {
        vi sums[GROUP_ROWS][NAME(most_vectors)];
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) sums[r][v] = (vi)(0);
        const char *row = w + scale_bytes(GPT_WEIGHT_INT8) + 2 * j;
        for (int64_t p = 0; p < pairs; p++, row += 2 * GPT_PANEL) {
            NAME(prefetch_row)(row, vectors);
            vi columns[NAME(most_vectors)];
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) columns[v] = NAME(widen_pairs)(row + 2 * v * LANES);
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) {
                int32_t pair;
                memcpy(&pair, x + r * x_row + 2 * p, sizeof pair);
#pragma clang loop unroll(full)
                for (int v = 0; v < vectors; v++) sums[r][v] += NAME(multiply_pairs)(columns[v], (vi)(pair));
            }
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) {
                float *at = totals + r * GPT_PANEL + j + v * LANES;
                vf scale = scales[r * scale_row] * NAME(widen)(w + 2 * (j + v * LANES));
                store(at, NAME(floats_from)(sums[r][v]) * scale + load(at));
            }
    }
}

// totals (rows, GPT_PANEL) = some rows of x, from `row` on, times a panel.
ALWAYS_INLINE void NAME(panel)(
    const int rows, const int32_t weight, const gemv_packed_job *job, int64_t row, const char *w, float *totals) {
    const int64_t k = job->m.k, blocks = blocks_of(k);
    const int vectors = NAME(vectors_for)(rows);
    memset(totals, 0, (size_t)(rows * GPT_PANEL) * sizeof *totals);
    for (int64_t i = 0; i < blocks; i++, w += block_bytes(weight)) {
        const int64_t depth = at_most(k - i * GPT_SCALE_BLOCK, GPT_SCALE_BLOCK);
        if (weight == GPT_WEIGHT_INT8)
            NAME(integer_block)(
                rows, vectors, (depth + 1) / 2, job->integers + (row * blocks + i) * GPT_SCALE_BLOCK,
                blocks * GPT_SCALE_BLOCK, job->scales + row * blocks + i, blocks, w, totals);
        else NAME(block)(rows, vectors, depth, job->x + row * k + i * GPT_SCALE_BLOCK, k, w, totals);
    }
}

static void NAME(run_panel)(int64_t rows, const gemv_packed_job *job, int64_t row, const char *w, float *totals) {
#define CASES(w_) \
    switch (rows) { \
    case 1: NAME(panel)(1, w_, job, row, w, totals); break; \
    case 2: NAME(panel)(2, w_, job, row, w, totals); break; \
    case 3: NAME(panel)(3, w_, job, row, w, totals); break; \
    case 4: NAME(panel)(4, w_, job, row, w, totals); break; \
    case 5: NAME(panel)(5, w_, job, row, w, totals); break; \
    default: NAME(panel)(6, w_, job, row, w, totals); break; \
    }
    if (job->m.weight == GPT_WEIGHT_INT8) CASES(GPT_WEIGHT_INT8)
    else CASES(GPT_WEIGHT_BFLOAT16)
#undef CASES
}

// Quantizes a row of x to 16-bit integers: each block has a scale, its largest magnitude over 32767. A NaN or an
// infinity makes the scale NaN.
static void NAME(quantize_row)(void *context, int64_t row) {
    const gemv_packed_job *job = context;
    const int64_t k = job->m.k, blocks = blocks_of(k);
    for (int64_t i = 0; i < blocks; i++) {
        const float *x = job->m.x + row * k + i * GPT_SCALE_BLOCK;
        const int64_t depth = at_most(k - i * GPT_SCALE_BLOCK, GPT_SCALE_BLOCK);
        int16_t *integers = job->integers + (row * blocks + i) * GPT_SCALE_BLOCK;
        float highest = 0, zero_or_nan = 0;
        for (int64_t p = 0; p < depth; p++) {
            const float magnitude = x[p] < 0 ? -x[p] : x[p];
            highest = magnitude > highest ? magnitude : highest;
            zero_or_nan += x[p] * 0.0f;
        }
        const float scale = highest * (1.0f / 32767) + zero_or_nan;
        const float factor = scale > FLT_MIN ? 1 / scale : 0;    // a smaller scale could have an infinite inverse
        job->scales[row * blocks + i] = scale;
        for (int64_t p = 0; p < GPT_SCALE_BLOCK; p++) {
            const float round = 12582912.0f;    // 1.5 * 2^23: adding it rounds to the nearest integer
            // A statement of its own, so that it is not fused and every instruction set rounds it alike.
            const float scaled = (p < depth ? x[p] : 0) * factor;
            float q = scaled + round - round;
            q = q > 32767 ? 32767 : q;
            q = q >= -32767 ? q : -32767;
            integers[p] = (int16_t)q;
        }
    }
}

// A range of panels.
static void NAME(multiply_panels)(void *context, int64_t i) {
    const gemv_packed_job *job = context;
    const gpt_gemv *m = &job->m;
    float totals[GROUP_ROWS * GPT_PANEL];
    // Groups of rows of about the same size: eight rows are four and four rather than six and two.
    const int64_t groups = (m->m + GROUP_ROWS - 1) / GROUP_ROWS, group = (m->m + groups - 1) / groups;
    for (int64_t panel = job->panels * i / job->ranges; panel < job->panels * (i + 1) / job->ranges; panel++) {
        const char *w = (const char *)m->w + panel * panel_bytes(m->weight, m->k);
        const int64_t first = panel * GPT_PANEL, columns = at_most(m->n - first, GPT_PANEL);
        for (int64_t row = 0; row < m->m; row += group) {
            const int64_t rows = at_most(m->m - row, group);
            NAME(run_panel)(rows, job, row, w, totals);
            for (int64_t r = 0; r < rows; r++)
                for (int64_t j = 0; j < columns; j += LANES)
                    NAME(epilogue)(m, row + r, first + j, load(totals + r * GPT_PANEL + j), columns - j);
        }
    }
}

static void NAME(gemv_packed)(gpt_execution execution, const gpt_gemv *m) {
    const int64_t bytes = gpt_packed_bytes(m->weight, m->k, m->n);
    if (bytes * m->m <= GEMV_ONE_THREAD) execution.threads = 1;
    // Each thread reads one range from end to end; several of a large weight, so that no thread waits long for another.
    gemv_packed_job job = {.m = *m, .panels = panels_of(m->n)};
    job.ranges = at_most(execution.threads * (bytes > 1 << 18 ? 8 : 1), job.panels);
    if (m->weight == GPT_WEIGHT_INT8) {
        const int64_t blocks = m->m * blocks_of(m->k);
        job.scales = gpt_scratch(GPT_SCRATCH_SHARED, blocks * (1 + GPT_SCALE_BLOCK / 2));
        job.integers = (int16_t *)(job.scales + blocks);
        gpt_parallel(m->m > GROUP_ROWS ? execution.threads : 1, m->m, NAME(quantize_row), &job);
    } else {
        float *rounded = gpt_scratch(GPT_SCRATCH_SHARED, m->m * m->k);
        NAME(round_all)(m->x, rounded, m->m * m->k);
        job.x = rounded;
    }
    gpt_parallel(execution.threads, job.ranges, NAME(multiply_panels), &job);
}

#else

#define KERNEL_SOURCE "../products/gemv_packed.c"
#include "each_instruction_set.h"

KERNEL_TABLE(gemv_packed);

void gpt_gemv_packed(gpt_execution execution, const gpt_gemv *m) {
    gemv_packed_table[execution.instruction_set](execution, m);
}

#endif
