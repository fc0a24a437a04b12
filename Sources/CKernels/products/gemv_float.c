// Products of few rows with a weight in float32 (gemv.h).
//
// Stored by rows: the rows of W are divided into chunks that are contiguous in memory. Each item of work multiplies one
//     chunk, and the sums of the chunks are added in order. Reading panels of columns instead, as a large product does,
//     reached half the bandwidth: every row of a panel is in another page.
// Stored by rows, small: W is in a cache, where that does not matter, but a second wait for all threads does. Each item
// of
//     work multiplies a range of columns, from the first row to the last.
// Stored by columns (a tied classifier): dot products, one column after another.

#include "gemv_kinds.h"
#include "threads.h"

#ifndef SIMD

enum {
    SMALL = 1 << 19,     // bytes of a weight that is likely in a cache
    CHUNKS = 16, LEAST_CHUNK = 32, CHUNK_STEP = 8,
    AHEAD = 512,         // how far a column is prefetched, in floats
    ROWS_AHEAD = 8,      // how far a few columns are prefetched, in rows
};

typedef struct {
    gpt_gemv m;
    float *partial;           // (chunks, m, n)
    int64_t depth, chunks;    // rows of W in a chunk
    int64_t units, ranges;    // vectors of columns, or columns, and in how many ranges they are divided
} GPT_CONTEXT gemv_float_job;

#endif

#ifdef SIMD

// Prefetches into the second-level cache, because x and y are in the first. The hardware prefetcher follows the single
// stream of a packed weight; with float32 this raised reading from 70% to 90% of the bandwidth.
ALWAYS_INLINE void NAME(prefetch)(const float *p) { __builtin_prefetch(p, 0, 2); }

// y (rows, n) = or += `depth` columns of x times that many rows of W.
ALWAYS_INLINE void NAME(gemv_rows)(
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
            NAME(prefetch)(w + (depth + d) * w_row + j);
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

// One chunk of rows of W.
static void NAME(multiply_chunk)(void *context, int64_t i) {
    const gemv_float_job *job = context;
    const gpt_gemv *m = &job->m;
    const int64_t k = m->k, n = m->n, first = i * job->depth, end = at_most(first + job->depth, k);
    for (int64_t p = first; p < end;) {
        const int64_t step = end - p >= CHUNK_STEP ? CHUNK_STEP : 1;
        const float *w = (const float *)m->w + p * m->row;
        for (int64_t row = 0; row < m->m;) {
            const int64_t rows = m->m - row >= 4 ? 4 : 1;
            const float *x = m->x + row * k + p;
            float *y = job->partial + (i * m->m + row) * n;
            if (step == 1 && rows == 1) NAME(gemv_rows)(1, 1, x, k, w, m->row, y, n, p == first);
            else if (step == 1) NAME(gemv_rows)(4, 1, x, k, w, m->row, y, n, p == first);
            else if (rows == 1) NAME(gemv_rows)(1, CHUNK_STEP, x, k, w, m->row, y, n, p == first);
            else NAME(gemv_rows)(4, CHUNK_STEP, x, k, w, m->row, y, n, p == first);
            row += rows;
        }
        p += step;
    }
}

// The sum of the chunks, for a range of columns.
static void NAME(add_chunks)(void *context, int64_t i) {
    const gemv_float_job *job = context;
    const gpt_gemv *m = &job->m;
    const int64_t first = job->units * i / job->ranges * LANES;
    const int64_t end = job->units * (i + 1) / job->ranges * LANES;
    for (int64_t row = 0; row < m->m; row++)
        for (int64_t j = first; j < (end < m->n ? end : m->n); j += LANES) {
            const float *part = job->partial + row * m->n + j;
            vf total = load_up_to(part, m->n - j);
            for (int64_t c = 1; c < job->chunks; c++) total += load_up_to(part + c * m->m * m->n, m->n - j);
            NAME(epilogue)(m, row, j, total, m->n - j);
        }
}

// Some rows of x times some vectors of columns of W; only `left` columns exist.
ALWAYS_INLINE void NAME(gemv_columns)(
    const int rows, const int vectors, const gpt_gemv *m, int64_t row, int64_t column, int64_t left) {
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
            NAME(prefetch)(w + ROWS_AHEAD * m->row + v * LANES);
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
        for (int v = 0; v < vectors; v++) NAME(epilogue)(m, row + r, column + v * LANES, sums[r][v], left - v * LANES);
}

// A range of columns of a small W that is stored by rows.
static void NAME(multiply_columns)(void *context, int64_t i) {
    const gemv_float_job *job = context;
    const gpt_gemv *m = &job->m;
    const int64_t first = job->units * i / job->ranges * LANES;
    const int64_t end = at_most(m->n, job->units * (i + 1) / job->ranges * LANES);
    for (int64_t row = 0; row < m->m;) {
        const int64_t rows = m->m - row >= 4 ? 4 : 1;
        int64_t j = first;
        if (rows == 1)
            for (; j + 2 * VECTORS * LANES <= end; j += 2 * VECTORS * LANES)
                NAME(gemv_columns)(1, 2 * VECTORS, m, row, j, 2 * VECTORS * LANES);
        for (; j + VECTORS * LANES <= end; j += VECTORS * LANES) {
            if (rows == 1) NAME(gemv_columns)(1, VECTORS, m, row, j, VECTORS * LANES);
            else NAME(gemv_columns)(4, VECTORS, m, row, j, VECTORS * LANES);
        }
        for (; j < end; j += LANES) {
            if (rows == 1) NAME(gemv_columns)(1, 1, m, row, j, end - j);
            else NAME(gemv_columns)(4, 1, m, row, j, end - j);
        }
        row += rows;
    }
}

// Some rows of x times one contiguous column of W.
ALWAYS_INLINE void NAME(gemv_dots)(
    const int rows, int64_t k, const float *x, const float *w, float *out, int64_t out_row) {
    vf sums[4][2];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) sums[r][0] = sums[r][1] = splat(0);
    int64_t p = 0;
    for (; p + 2 * LANES <= k; p += 2 * LANES) {
        NAME(prefetch)(w + p + AHEAD);
        NAME(prefetch)(w + p + AHEAD + LANES);
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

// A range of columns of a W that is stored by columns.
static void NAME(multiply_dots)(void *context, int64_t i) {
    const gemv_float_job *job = context;
    const gpt_gemv *m = &job->m;
    const int64_t first = job->units * i / job->ranges, end = job->units * (i + 1) / job->ranges;
    for (int64_t j = first; j < end; j++) {
        const float *w = (const float *)m->w + j * m->column;
        int64_t row = 0;
        for (; row + 4 <= m->m; row += 4) NAME(gemv_dots)(4, m->k, m->x + row * m->k, w, m->y + row * m->n + j, m->n);
        for (; row < m->m; row++) NAME(gemv_dots)(1, m->k, m->x + row * m->k, w, m->y + row * m->n + j, m->n);
    }
    if (!gemv_has_epilogue(m)) return;
    for (int64_t row = 0; row < m->m; row++)
        for (int64_t j = first; j < end; j += LANES)
            NAME(epilogue)(m, row, j, load_up_to(m->y + row * m->n + j, end - j), end - j);
}

static void NAME(gemv_float)(gpt_execution execution, const gpt_gemv *m) {
    const int64_t bytes = m->k * m->n * 4;
    if (bytes * m->m <= GEMV_ONE_THREAD) execution.threads = 1;
    gemv_float_job job = {.m = *m};
    if (m->column != 1) {
        // Each thread reads one range from end to end; several of a large weight, so that no thread waits long for
        // another.
        job.units = m->n;
        job.ranges = at_most(execution.threads * (bytes > 1 << 18 ? 8 : 1), job.units);
        gpt_parallel(execution.threads, job.ranges, NAME(multiply_dots), &job);
        return;
    }
    job.units = (m->n + LANES - 1) / LANES;
    job.ranges = at_most(execution.threads, job.units);
    if (bytes <= SMALL) {
        gpt_parallel(execution.threads, job.ranges, NAME(multiply_columns), &job);
        return;
    }
    job.depth = (m->k + CHUNKS - 1) / CHUNKS;
    job.depth = (job.depth < LEAST_CHUNK ? LEAST_CHUNK : job.depth + CHUNK_STEP - 1) / CHUNK_STEP * CHUNK_STEP;
    job.chunks = (m->k + job.depth - 1) / job.depth;
    job.partial = gpt_scratch(GPT_SCRATCH_SHARED, job.chunks * m->m * m->n);
    gpt_parallel(execution.threads, job.chunks, NAME(multiply_chunk), &job);
    if (job.chunks * m->m * m->n < 1 << 17) job.ranges = 1;
    gpt_parallel(execution.threads, job.ranges, NAME(add_chunks), &job);
}

#else

#define KERNEL_SOURCE "../products/gemv_float.c"
#include "each_instruction_set.h"

KERNEL_TABLE(gemv_float);

void gpt_gemv_float(gpt_execution execution, const gpt_gemv *m) {
    gemv_float_table[execution.instruction_set](execution, m);
}

#endif
