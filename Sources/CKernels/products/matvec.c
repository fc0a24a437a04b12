// Products of few rows with a weight: y = act(x W + bias) factor + residual. All that matters is how W is read.
//
// float32, stored by rows: the rows of W are cut into chunks that follow one another in memory, each item of work
//     multiplies one chunk, and the sums of the chunks are added in order. Reading panels of columns instead, as a large
//     product does, reached half the bandwidth: every row of a panel is in another page.
// float32, stored by rows, small: lies in a cache, where that does not matter. What counts there is that threads need not
//     wait for each other twice. Each item of work multiplies some columns, from the first row to the last.
// float32, stored by columns (a tied classifier): dot products, one column after another.
// packed: panels of columns, which lie in memory as they are read. Within a panel, blocks of GPT_SCALE_BLOCK rows. With int8
//     the vectors of x are integers too, of 16 bits: to make floats of weights one by one took longer than to read them.
//
// How k is cut depends on the shape alone, and each output element is summed in ascending order of k within a chunk or
// block, so the bits depend neither on the number of threads nor on that of the rows.

#include "matvec.h"
#include "matmul.h"
#include "threads.h"

#include <float.h>
#include <string.h>

#ifndef SIMD

enum {
    ALONE = 1 << 18,     // bytes that one thread has read before two have come together
    SMALL = 1 << 19,     // bytes of a weight that is likely in a cache
    CHUNKS = 16, LEAST_CHUNK = 32, CHUNK_STEP = 8,
    GROUP_ROWS = 6,
    AHEAD = 512,         // floats of a column that are asked for ahead
    ROWS_AHEAD = 8,      // rows of a few columns that are
};

typedef struct {
    gpt_matvec m;
    const float *x;           // rounded to bfloat16, where it has to be
    int16_t *integers;        // x for int8, whole blocks, and the scales of these: (m, blocks)
    float *scales;
    float *partial;           // (chunks, m, n) of float32 by rows
    int64_t depth, chunks;    // rows of W in a chunk
    int64_t units, pieces;    // panels, or columns, and in how many pieces they are handed out
} GPT_CONTEXT matvec_job;

#endif

#ifdef SIMD

#include "activation.h"
#include "packed_weight.h"

// Asks for memory that will be read soon, into the second cache rather than the first, where x and y are. The processor
// does so by itself where it reads one packed stream; with float32 this took reading from 70% to 90% of the bandwidth.
ALWAYS_INLINE void NAME(ask_for)(const float *p) { __builtin_prefetch(p, 0, 2); }

// totals (rows, GPT_PANEL) += `depth` rows of x times one block of a panel of bfloat16.
ALWAYS_INLINE void NAME(block)(
    const int rows, int64_t depth, const float *x, int64_t x_row, const char *w, float *totals) {
    for (int64_t j = 0; j < GPT_PANEL; j += VECTORS * LANES) {
        vf sums[GROUP_ROWS][VECTORS];
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
            for (int v = 0; v < VECTORS; v++) sums[r][v] = load(totals + r * GPT_PANEL + j + v * LANES);
        const char *row = w + 2 * j;
        for (int64_t p = 0; p < depth; p++, row += 2 * GPT_PANEL) {
            vf columns[VECTORS];
#pragma clang loop unroll(full)
            for (int v = 0; v < VECTORS; v++) columns[v] = NAME(widen)(row + 2 * v * LANES);
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) {
                vf factor = splat(x[r * x_row + p]);
#pragma clang loop unroll(full)
                for (int v = 0; v < VECTORS; v++) sums[r][v] = factor * columns[v] + sums[r][v];
            }
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
            for (int v = 0; v < VECTORS; v++) store(totals + r * GPT_PANEL + j + v * LANES, sums[r][v]);
    }
}

// The same of int8, of which rows come in pairs. x and its scales are those of this block, for every row of x `x_row` and
// `scale_row` further. All sums within a block are of whole numbers, and exact.
ALWAYS_INLINE void NAME(block_of_integers)(
    const int rows, int64_t pairs, const int16_t *x, int64_t x_row, const float *scales, int64_t scale_row, const char *w,
    float *totals) {
    for (int64_t j = 0; j < GPT_PANEL; j += VECTORS * LANES) {
        vi sums[GROUP_ROWS][VECTORS];
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
            for (int v = 0; v < VECTORS; v++) sums[r][v] = (vi)(0);
        const char *row = w + scale_bytes(GPT_WEIGHT_INT8) + 2 * j;
        for (int64_t p = 0; p < pairs; p++, row += 2 * GPT_PANEL) {
            vi columns[VECTORS];
#pragma clang loop unroll(full)
            for (int v = 0; v < VECTORS; v++) columns[v] = NAME(widen_pairs)(row + 2 * v * LANES);
#pragma clang loop unroll(full)
            for (int r = 0; r < rows; r++) {
                int32_t pair;
                memcpy(&pair, x + r * x_row + 2 * p, sizeof pair);
#pragma clang loop unroll(full)
                for (int v = 0; v < VECTORS; v++) sums[r][v] += NAME(multiply_pairs)(columns[v], (vi)(pair));
            }
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
            for (int v = 0; v < VECTORS; v++) {
                float *at = totals + r * GPT_PANEL + j + v * LANES;
                vf scale = scales[r * scale_row] * NAME(widen)(w + 2 * (j + v * LANES));
                store(at, NAME(floats_from)(sums[r][v]) * scale + load(at));
            }
    }
}

// totals = some rows of x, from one on, times a panel.
ALWAYS_INLINE void NAME(panel)(
    const int rows, const int32_t weight, const matvec_job *job, int64_t row, const char *w, float *totals) {
    const int64_t k = job->m.k, blocks = blocks_of(k);
    memset(totals, 0, (size_t)(rows * GPT_PANEL) * sizeof *totals);
    for (int64_t i = 0; i < blocks; i++, w += block_bytes(weight)) {
        const int64_t depth = at_most(k - i * GPT_SCALE_BLOCK, GPT_SCALE_BLOCK);
        if (weight == GPT_WEIGHT_INT8)
            NAME(block_of_integers)(
                rows, (depth + 1) / 2, job->integers + (row * blocks + i) * GPT_SCALE_BLOCK, blocks * GPT_SCALE_BLOCK,
                job->scales + row * blocks + i, blocks, w, totals);
        else NAME(block)(rows, depth, job->x + row * k + i * GPT_SCALE_BLOCK, k, w, totals);
    }
}

static void NAME(run_panel)(int64_t rows, const matvec_job *job, int64_t row, const char *w, float *totals) {
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

// A row of x as 16-bit integers: each block has a scale, its largest magnitude over 32767. What is not a number, or is
// infinite, makes the scale so.
static void NAME(shorten)(void *context, int64_t row) {
    const matvec_job *job = context;
    const int64_t k = job->m.k, blocks = blocks_of(k);
    for (int64_t i = 0; i < blocks; i++) {
        const float *x = job->m.x + row * k + i * GPT_SCALE_BLOCK;
        const int64_t depth = at_most(k - i * GPT_SCALE_BLOCK, GPT_SCALE_BLOCK);
        int16_t *integers = job->integers + (row * blocks + i) * GPT_SCALE_BLOCK;
        float highest = 0, nothing = 0;
        for (int64_t p = 0; p < depth; p++) {
            const float magnitude = x[p] < 0 ? -x[p] : x[p];
            highest = magnitude > highest ? magnitude : highest;
            nothing += x[p] * 0.0f;
        }
        const float scale = highest * (1.0f / 32767) + nothing;
        const float factor = scale > FLT_MIN ? 1 / scale : 0;    // of a smaller one it could be infinite
        job->scales[row * blocks + i] = scale;
        for (int64_t p = 0; p < GPT_SCALE_BLOCK; p++) {
            const float round = 12582912.0f;    // 1.5 * 2^23: adding it rounds to the nearest integer
            // A statement of its own, so that every instruction set rounds it to the same.
            const float wanted = (p < depth ? x[p] : 0) * factor;
            float q = wanted + round - round;
            q = q > 32767 ? 32767 : q;
            q = q >= -32767 ? q : -32767;
            integers[p] = (int16_t)q;
        }
    }
}

// A vector of y from the sum of the products.
ALWAYS_INLINE void NAME(deliver)(const gpt_matvec *m, int64_t row, int64_t column, vf sum, int64_t left) {
    if (m->bias) sum += load_up_to(m->bias + column, left);
    sum = NAME(activate)(m->activation, sum);
    if (m->factor) sum *= load_up_to(m->factor + row * m->n + column, left);
    if (m->residual) sum += load_up_to(m->residual + row * m->n + column, left);
    store_up_to(m->y + row * m->n + column, sum, left);
}

// Packed: some panels.
static void NAME(multiply_panels)(void *context, int64_t i) {
    const matvec_job *job = context;
    const gpt_matvec *m = &job->m;
    float totals[GROUP_ROWS * GPT_PANEL];
    // Groups of rows of about the same size: four and four rather than six and two.
    const int64_t groups = (m->m + GROUP_ROWS - 1) / GROUP_ROWS, group = (m->m + groups - 1) / groups;
    for (int64_t panel = job->units * i / job->pieces; panel < job->units * (i + 1) / job->pieces; panel++) {
        const char *w = (const char *)m->w + panel * panel_bytes(m->weight, m->k);
        const int64_t first = panel * GPT_PANEL, columns = at_most(m->n - first, GPT_PANEL);
        for (int64_t row = 0; row < m->m; row += group) {
            const int64_t rows = at_most(m->m - row, group);
            NAME(run_panel)(rows, job, row, w, totals);
            for (int64_t r = 0; r < rows; r++)
                for (int64_t j = 0; j < columns; j += LANES)
                    NAME(deliver)(m, row + r, first + j, load(totals + r * GPT_PANEL + j), columns - j);
        }
    }
}

// y (rows, n) = or += x[0 ..< depth] times that many rows of W.
ALWAYS_INLINE void NAME(few)(
    const int rows, const int depth, const float *x, int64_t x_row, const float *w, int64_t w_row, float *y, int64_t n,
    bool first) {
    vf factors[4][CHUNK_STEP];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int d = 0; d < depth; d++) factors[r][d] = splat(x[r * x_row + d]);
    int64_t j = 0;
    for (; j + LANES <= n; j += LANES) {
        vf columns[CHUNK_STEP];
#pragma clang loop unroll(full)
        for (int d = 0; d < depth; d++) {
            NAME(ask_for)(w + (depth + d) * w_row + j);
            columns[d] = load(w + d * w_row + j);
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            vf sum = first ? splat(0) : load(y + r * n + j);
#pragma clang loop unroll(full)
            for (int d = 0; d < depth; d++) sum = factors[r][d] * columns[d] + sum;
            store(y + r * n + j, sum);
        }
    }
    if (j == n) return;
    for (int r = 0; r < rows; r++) {
        vf sum = first ? splat(0) : load_part(y + r * n + j, n - j);
        for (int d = 0; d < depth; d++) sum = factors[r][d] * load_part(w + d * w_row + j, n - j) + sum;
        store_part(y + r * n + j, sum, n - j);
    }
}

// float32 by rows: one chunk.
static void NAME(multiply_chunk)(void *context, int64_t i) {
    const matvec_job *job = context;
    const gpt_matvec *m = &job->m;
    const int64_t k = m->k, n = m->n, first = i * job->depth, end = at_most(first + job->depth, k);
    for (int64_t p = first; p < end;) {
        const int64_t step = end - p >= CHUNK_STEP ? CHUNK_STEP : 1;
        const float *w = (const float *)m->w + p * m->row;
        for (int64_t row = 0; row < m->m;) {
            const int64_t rows = m->m - row >= 4 ? 4 : 1;
            const float *x = job->x + row * k + p;
            float *y = job->partial + (i * m->m + row) * n;
            if (step == 1 && rows == 1) NAME(few)(1, 1, x, k, w, m->row, y, n, p == first);
            else if (step == 1) NAME(few)(4, 1, x, k, w, m->row, y, n, p == first);
            else if (rows == 1) NAME(few)(1, CHUNK_STEP, x, k, w, m->row, y, n, p == first);
            else NAME(few)(4, CHUNK_STEP, x, k, w, m->row, y, n, p == first);
            row += rows;
        }
        p += step;
    }
}

// The sum of the chunks, for some columns.
static void NAME(add_chunks)(void *context, int64_t i) {
    const matvec_job *job = context;
    const gpt_matvec *m = &job->m;
    for (int64_t row = 0; row < m->m; row++)
        for (int64_t j = job->units * i / job->pieces * LANES; j < at_most(m->n, job->units * (i + 1) / job->pieces * LANES);
             j += LANES) {
            const float *part = job->partial + row * m->n + j;
            vf total = load_up_to(part, m->n - j);
            for (int64_t c = 1; c < job->chunks; c++) total += load_up_to(part + c * m->m * m->n, m->n - j);
            NAME(deliver)(m, row, j, total, m->n - j);
        }
}

// Some rows of x times some vectors of columns of W, of which the last has `left` - (vectors - 1) LANES columns.
ALWAYS_INLINE void NAME(down)(
    const int rows, const int vectors, const gpt_matvec *m, int64_t row, int64_t column, int64_t left) {
    vf sums[4][2 * VECTORS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) sums[r][v] = splat(0);
    const float *w = (const float *)m->w + column, *x = m->x + row * m->k;
    for (int64_t p = 0; p < m->k; p++, w += m->row) {
        vf columns[2 * VECTORS];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
            NAME(ask_for)(w + ROWS_AHEAD * m->row + v * LANES);
            columns[v] = load_up_to(w + v * LANES, left - v * LANES);
        }
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) sums[r][v] = splat(x[r * m->k + p]) * columns[v] + sums[r][v];
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) NAME(deliver)(m, row + r, column + v * LANES, sums[r][v], left - v * LANES);
}

// float32 by rows, small: some columns.
static void NAME(multiply_few_columns)(void *context, int64_t i) {
    const matvec_job *job = context;
    const gpt_matvec *m = &job->m;
    const int64_t first = job->units * i / job->pieces * LANES;
    const int64_t end = at_most(m->n, job->units * (i + 1) / job->pieces * LANES);
    for (int64_t row = 0; row < m->m;) {
        const int64_t rows = m->m - row >= 4 ? 4 : 1;
        int64_t j = first;
        if (rows == 1)
            for (; j + 2 * VECTORS * LANES <= end; j += 2 * VECTORS * LANES)
                NAME(down)(1, 2 * VECTORS, m, row, j, 2 * VECTORS * LANES);
        for (; j + VECTORS * LANES <= end; j += VECTORS * LANES) {
            if (rows == 1) NAME(down)(1, VECTORS, m, row, j, VECTORS * LANES);
            else NAME(down)(4, VECTORS, m, row, j, VECTORS * LANES);
        }
        for (; j < end; j += LANES) {
            if (rows == 1) NAME(down)(1, 1, m, row, j, end - j);
            else NAME(down)(4, 1, m, row, j, end - j);
        }
        row += rows;
    }
}

// Some rows of x times one column of W.
ALWAYS_INLINE void NAME(dots)(const int rows, int64_t k, const float *x, const float *w, float *out, int64_t out_row) {
    vf sums[4][2];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) sums[r][0] = sums[r][1] = splat(0);
    int64_t p = 0;
    for (; p + 2 * LANES <= k; p += 2 * LANES) {
        NAME(ask_for)(w + p + AHEAD);
        NAME(ask_for)(w + p + AHEAD + LANES);
        vf low = load(w + p), high = load(w + p + LANES);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            sums[r][0] = load(x + r * k + p) * low + sums[r][0];
            sums[r][1] = load(x + r * k + p + LANES) * high + sums[r][1];
        }
    }
    for (; p < k; p += LANES) {
        vf low = load_up_to(w + p, k - p);
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) sums[r][0] = load_up_to(x + r * k + p, k - p) * low + sums[r][0];
    }
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) out[r * out_row] = sum(sums[r][0] + sums[r][1]);
}

// float32 by columns: some columns.
static void NAME(multiply_columns)(void *context, int64_t i) {
    const matvec_job *job = context;
    const gpt_matvec *m = &job->m;
    const int64_t first = job->units * i / job->pieces, end = job->units * (i + 1) / job->pieces;
    for (int64_t j = first; j < end; j++) {
        const float *w = (const float *)m->w + j * m->column;
        int64_t row = 0;
        for (; row + 4 <= m->m; row += 4) NAME(dots)(4, m->k, job->x + row * m->k, w, m->y + row * m->n + j, m->n);
        for (; row < m->m; row++) NAME(dots)(1, m->k, job->x + row * m->k, w, m->y + row * m->n + j, m->n);
    }
    if (!m->bias && !m->factor && !m->residual && m->activation == GPT_IDENTITY) return;
    for (int64_t row = 0; row < m->m; row++)
        for (int64_t j = first; j < end; j += LANES)
            NAME(deliver)(m, row, j, load_up_to(m->y + row * m->n + j, end - j), end - j);
}

static void NAME(matvec)(gpt_execution execution, const gpt_matvec *m) {
    const bool by_rows = m->weight == GPT_WEIGHT_FLOAT32 && m->column == 1;
    const int64_t bytes = m->weight == GPT_WEIGHT_FLOAT32 ? m->k * m->n * 4 : gpt_packed_bytes(m->weight, m->k, m->n);
    if (bytes * m->m <= ALONE) execution.threads = 1;
    matvec_job job = {.m = *m, .x = m->x};
    if (by_rows && bytes <= SMALL) {
        job.units = (m->n + LANES - 1) / LANES;
        job.pieces = at_most(execution.threads, job.units);
        gpt_parallel(execution.threads, job.pieces, NAME(multiply_few_columns), &job);
        return;
    }
    if (by_rows) {
        job.depth = (m->k + CHUNKS - 1) / CHUNKS;
        job.depth = (job.depth < LEAST_CHUNK ? LEAST_CHUNK : job.depth + CHUNK_STEP - 1) / CHUNK_STEP * CHUNK_STEP;
        job.chunks = (m->k + job.depth - 1) / job.depth;
        job.partial = gpt_scratch(GPT_SCRATCH_SHARED, job.chunks * m->m * m->n);
        gpt_parallel(execution.threads, job.chunks, NAME(multiply_chunk), &job);
        job.units = (m->n + LANES - 1) / LANES;
        job.pieces = job.chunks * m->m * m->n < 1 << 17 ? 1 : at_most(execution.threads, job.units);
        gpt_parallel(execution.threads, job.pieces, NAME(add_chunks), &job);
        return;
    }
    // Each thread reads one piece from end to end; of large weights several, so that none has long to wait for another.
    job.units = m->weight == GPT_WEIGHT_FLOAT32 ? m->n : panels_of(m->n);
    job.pieces = at_most(execution.threads * (bytes > 1 << 18 ? 8 : 1), job.units);
    if (m->weight == GPT_WEIGHT_BFLOAT16) {
        float *rounded = gpt_scratch(GPT_SCRATCH_SHARED, m->m * m->k);
        NAME(round_all)(m->x, rounded, m->m * m->k);
        job.x = rounded;
    }
    if (m->weight == GPT_WEIGHT_INT8) {
        const int64_t blocks = m->m * blocks_of(m->k);
        job.scales = gpt_scratch(GPT_SCRATCH_SHARED, blocks * (1 + GPT_SCALE_BLOCK / 2));
        job.integers = (int16_t *)(job.scales + blocks);
        gpt_parallel(m->m > GROUP_ROWS ? execution.threads : 1, m->m, NAME(shorten), &job);
    }
    gpt_parallel(
        execution.threads, job.pieces,
        m->weight == GPT_WEIGHT_FLOAT32 ? NAME(multiply_columns) : NAME(multiply_panels), &job);
}

#else

#define KERNEL_SOURCE "../products/matvec.c"
#include "each_instruction_set.h"

KERNEL_TABLE(matvec);

void gpt_matvec_run(gpt_execution execution, const gpt_matvec *m) {
    if (m->m > 0 && m->n > 0) matvec_table[execution.instruction_set](execution, m);
}

#endif
