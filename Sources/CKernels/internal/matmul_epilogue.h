// What is done to a tile of a product while it is near: bias, activation and its derivative, factors, residual.
//
// Included by matmul.c within each_instruction_set.h.

#include "activation.h"

#ifndef GPT_MATMUL_EPILOGUE_H
#define GPT_MATMUL_EPILOGUE_H

// Where an epilogue reads and writes at one element of c; NULL where there is nothing.
typedef struct {
    float *c;
    const float *bias, *factor, *residual, *slope_at, *gated_at;
    float *before, *activated, *d_gated;
} matmul_place;

// That of the element at (row, column). In pairs, what is kept has two columns in a word.
static inline __attribute__((always_inline)) matmul_place place(
    const gpt_matmul *m, const bool is_paired, int64_t row, int64_t column) {
    const int64_t here = row * m->n + column;
    const int64_t kept = is_paired ? row * ((m->n + 1) / 2) + column / 2 : here;
#define AT(array, index) .array = m->array ? m->array + (index) : NULL
    return (matmul_place){
        .c = m->c + row * m->c_row + column,
        AT(bias, column), AT(factor, here), AT(residual, here), AT(slope_at, kept), AT(gated_at, kept),
        AT(before, kept), AT(activated, here), AT(d_gated, here),
    };
#undef AT
}

#endif

// The epilogue of two vectors of a row of c, as many floats as a vector of pairs, `j` columns after `at`; `left` floats
// exist if they are not whole. Always inlined with constant `is_paired` and `is_whole`.
ALWAYS_INLINE void NAME(finish_two)(
    const gpt_matmul *m, const matmul_place *at, int64_t j, const bool is_paired, const bool is_whole, int64_t left) {
    const int64_t words = is_whole ? LANES : words_of(GPT_BFLOAT16, left), word = j / 2;
    vf x[2], slope_at[2], gated[2];
#pragma clang loop unroll(full)
    for (int i = 0; i < 2; i++) {
        const int64_t here = is_whole ? LANES : left - i * LANES, column = j + i * LANES;
        x[i] = load_some(at->c + column, here);
        if (at->bias) x[i] += load_some(at->bias + column, here);
        if (is_paired) continue;
        if (at->slope_at) slope_at[i] = load_some(at->slope_at + column, here);
        if (at->gated_at) gated[i] = load_some(at->gated_at + column, here);
        if (at->before) store_some(at->before + column, x[i], here);
    }
    if (is_paired) {
        if (at->before) store_up_to(at->before + word, neighbours(x[0], x[1]), words);
        if (at->slope_at) spread_pairs(load_up_to(at->slope_at + word, words), &slope_at[0], &slope_at[1]);
        if (at->gated_at) spread_pairs(load_up_to(at->gated_at + word, words), &gated[0], &gated[1]);
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 2; i++) {
        const int64_t here = is_whole ? LANES : left - i * LANES, column = j + i * LANES;
        x[i] = NAME(activate)(m->activation, x[i]);
        if (at->factor) x[i] *= load_some(at->factor + column, here);
        if (at->slope_at) {
            vf y, slope = NAME(derivative)(m->slope, slope_at[i], &y);
            if (at->gated_at) {
                store_some(at->d_gated + column, x[i] * y, here);
                x[i] *= gated[i];
                y *= gated[i];
            }
            x[i] *= slope;
            store_some(at->activated + column, y, here);
        }
        if (at->residual) x[i] += load_some(at->residual + column, here);
        store_some(at->c + column, x[i], here);
    }
}

// The epilogue of rows x columns of c at (row, column).
ALWAYS_INLINE void NAME(finish_rows)(
    const gpt_matmul *m, const bool is_paired, int64_t row, int64_t rows, int64_t column, int64_t columns) {
    for (int64_t r = row; r < row + rows; r++) {
        const matmul_place at = place(m, is_paired, r, column);
        for (int64_t j = 0; j < columns; j += 2 * LANES) {
            const int64_t left = columns - j;
            if (left >= 2 * LANES) NAME(finish_two)(m, &at, j, is_paired, true, left);
            else NAME(finish_two)(m, &at, j, is_paired, false, left);
        }
    }
}

// Fetches rows of `count` floats that are `stride` apart, to be read or to be written, if they are there.
ALWAYS_INLINE void NAME(fetch_rows)(
    const float *from, int64_t rows, int64_t stride, int64_t count, const bool is_written) {
    if (!from) return;
    for (int64_t r = 0; r < rows; r++, from += stride)
        for (int64_t j = 0; j < count; j += CACHE_LINE) {
            if (is_written) __builtin_prefetch(from + j, 1);
            else __builtin_prefetch(from + j);
        }
}

// Fetches the tile of c, and what its epilogue will read and write, while the tile is computed.
ALWAYS_INLINE void NAME(fetch)(
    const gpt_matmul *m, int64_t row, int64_t rows, int64_t column, int64_t columns, bool finishes) {
    const bool is_paired = m->kept_precision == GPT_BFLOAT16;
    const int64_t words = is_paired ? columns / 2 : columns, kept_row = words_of(m->kept_precision, m->n);
    const matmul_place at = place(m, is_paired, row, column);
    NAME(fetch_rows)(at.c, rows, m->c_row, columns, true);
    if (!finishes) return;
    NAME(fetch_rows)(at.factor, rows, m->n, columns, false);
    NAME(fetch_rows)(at.residual, rows, m->n, columns, false);
    NAME(fetch_rows)(at.before, rows, kept_row, words, true);
    if (!at.slope_at) return;
    NAME(fetch_rows)(at.slope_at, rows, kept_row, words, false);
    NAME(fetch_rows)(at.activated, rows, m->n, columns, true);
    NAME(fetch_rows)(at.gated_at, rows, kept_row, words, false);
    NAME(fetch_rows)(at.d_gated, rows, m->n, columns, true);
}

static void NAME(finish)(const gpt_matmul *m, int64_t row, int64_t rows, int64_t column, int64_t columns) {
    if (m->kept_precision == GPT_BFLOAT16) NAME(finish_rows)(m, true, row, rows, column, columns);
    else NAME(finish_rows)(m, false, row, rows, column, columns);
}
