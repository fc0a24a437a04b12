// What is done to a tile of a product while it is near. It is one of three:
//
//     sum:         c + bias + residual
//     activation:  act(c + bias) factor; c + bias is kept for backward
//     slope:       c act'(h) for an h that was kept, and act(h) beside it; in a gated network both times what was gated, and c
//                  act(h), the gradient of that, as well
//
// Each has loops of its own, which hold no pointers but their own. One loop for all of them had more than there are
// registers, and what it did besides arithmetic took longer than that.
//
// Included by matmul.c within each_instruction_set.h.

#include "activation.h"

#ifndef GPT_MATMUL_EPILOGUE_H
#define GPT_MATMUL_EPILOGUE_H

typedef enum { SUM, ACTIVATION, SLOPE } matmul_epilogue;

static inline matmul_epilogue epilogue_of(const gpt_matmul *m) {
    if (m->slope_at) return SLOPE;
    return m->activation != GPT_IDENTITY || m->before || m->factor ? ACTIVATION : SUM;
}

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

// Two vectors of a row: as many floats as a vector of pairs. They are `j` columns after a place; where they are not whole,
// `left` floats exist. Always inlined, with all constant that can be.
#define HERE(i) (is_whole ? LANES : left - (i) * LANES)
#define COLUMN(i) (j + (i) * LANES)

ALWAYS_INLINE void NAME(keep)(
    const bool is_paired, const bool is_whole, float *to, int64_t j, int64_t left, const vf x[2]) {
    if (is_paired) {
        store_up_to(to + j / 2, neighbours(x[0], x[1]), is_whole ? LANES : words_of(GPT_BFLOAT16, left));
        return;
    }
    for (int i = 0; i < 2; i++) store_some(to + COLUMN(i), x[i], HERE(i));
}

ALWAYS_INLINE void NAME(kept)(
    const bool is_paired, const bool is_whole, const float *from, int64_t j, int64_t left, vf x[2]) {
    if (is_paired) {
        spread_pairs(load_up_to(from + j / 2, is_whole ? LANES : words_of(GPT_BFLOAT16, left)), &x[0], &x[1]);
        return;
    }
    for (int i = 0; i < 2; i++) x[i] = load_some(from + COLUMN(i), HERE(i));
}

ALWAYS_INLINE void NAME(finish_two)(
    const gpt_matmul *m, const matmul_epilogue epilogue, const bool is_paired, const bool is_whole, const matmul_place *at,
    int64_t j, int64_t left) {
    vf x[2];
#pragma clang loop unroll(full)
    for (int i = 0; i < 2; i++) {
        x[i] = load_some(at->c + COLUMN(i), HERE(i));
        if (epilogue != SLOPE && at->bias) x[i] += load_some(at->bias + COLUMN(i), HERE(i));
        if (epilogue == SUM && at->residual) x[i] += load_some(at->residual + COLUMN(i), HERE(i));
    }
    if (epilogue == ACTIVATION) {
        if (at->before) NAME(keep)(is_paired, is_whole, at->before, j, left, x);
#pragma clang loop unroll(full)
        for (int i = 0; i < 2; i++) {
            x[i] = NAME(activate)(m->activation, x[i]);
            if (at->factor) x[i] *= load_some(at->factor + COLUMN(i), HERE(i));
        }
    }
    if (epilogue == SLOPE) {
        vf h[2], gated[2];
        NAME(kept)(is_paired, is_whole, at->slope_at, j, left, h);
        if (at->gated_at) NAME(kept)(is_paired, is_whole, at->gated_at, j, left, gated);
#pragma clang loop unroll(full)
        for (int i = 0; i < 2; i++) {
            vf y, slope = NAME(derivative)(m->slope, h[i], &y);
            if (at->gated_at) {
                store_some(at->d_gated + COLUMN(i), x[i] * y, HERE(i));
                x[i] *= gated[i];
                y *= gated[i];
            }
            x[i] *= slope;
            store_some(at->activated + COLUMN(i), y, HERE(i));
        }
    }
#pragma clang loop unroll(full)
    for (int i = 0; i < 2; i++) store_some(at->c + COLUMN(i), x[i], HERE(i));
}

#undef HERE
#undef COLUMN

// The epilogue of rows x columns of c at (row, column).
ALWAYS_INLINE void NAME(finish_rows)(
    const gpt_matmul *m, const matmul_epilogue epilogue, const bool is_paired, int64_t row, int64_t rows, int64_t column,
    int64_t columns) {
    matmul_place at = place(m, is_paired, row, column);
    const int64_t kept_row = is_paired ? (m->n + 1) / 2 : m->n;
    for (int64_t r = 0; r < rows; r++) {
        int64_t j = 0;
        for (; j + 2 * LANES <= columns; j += 2 * LANES) NAME(finish_two)(m, epilogue, is_paired, true, &at, j, 0);
        if (j < columns) NAME(finish_two)(m, epilogue, is_paired, false, &at, j, columns - j);
        at.c += m->c_row;
        if (at.residual) at.residual += m->n;
        if (at.before) at.before += kept_row;
        if (at.factor) at.factor += m->n;
        if (epilogue != SLOPE) continue;
        at.slope_at += kept_row;
        at.activated += m->n;
        if (!at.gated_at) continue;
        at.gated_at += kept_row;
        at.d_gated += m->n;
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
#define FINISH(epilogue, is_paired) NAME(finish_rows)(m, epilogue, is_paired, row, rows, column, columns)
    const bool is_paired = m->kept_precision == GPT_BFLOAT16;
    switch (epilogue_of(m)) {
    case SUM: FINISH(SUM, false); break;
    case ACTIVATION: if (is_paired) FINISH(ACTIVATION, true); else FINISH(ACTIVATION, false); break;
    case SLOPE: if (is_paired) FINISH(SLOPE, true); else FINISH(SLOPE, false); break;
    }
#undef FINISH
}
