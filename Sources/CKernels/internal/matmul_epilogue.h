// The epilogue of a product, applied to each tile of c while it is in cache. It is one of three:
//
//     sum:         c + bias + residual
//     activation:  act(c + bias) factor; c + bias is saved for backward
//     derivative:  c act'(h) and act(h), for a saved h; in a gated network, act(h) u, both are multiplied by the saved
//                  u, and a third output is c act(h), the gradient of u
//
// Each has loops of its own with only its own pointers. A single loop for all of them had more pointers than there are
// registers, and spent more time on them than on arithmetic.
//
// Included by matmul.c within each_instruction_set.h.

#include "activation.h"

#ifndef GPT_MATMUL_EPILOGUE_H
#define GPT_MATMUL_EPILOGUE_H

typedef enum { SUM, ACTIVATION, DERIVATIVE } matmul_epilogue;

static inline matmul_epilogue epilogue_of(const gpt_matmul *m) {
    if (m->slope_at) return DERIVATIVE;
    return m->activation != GPT_IDENTITY || m->before || m->factor ? ACTIVATION : SUM;
}

// The addresses that an epilogue reads and writes for one element of c; NULL for unused arrays.
typedef struct {
    float *c;
    const float *bias, *factor, *residual, *slope_at, *gated_at;
    float *before, *activated, *d_gated;
} epilogue_pointers;

// The addresses for the element at (row, column). Saved arrays in bfloat16 have two columns in a word.
static inline __attribute__((always_inline)) epilogue_pointers pointers_at(
    const gpt_matmul *m, const bool is_paired, int64_t row, int64_t column) {
    const int64_t here = row * m->n + column;
    const int64_t kept = is_paired ? row * ((m->n + 1) / 2) + column / 2 : here;
#define AT(array, index) .array = m->array ? m->array + (index) : NULL
    return (epilogue_pointers){
        .c = m->c + row * m->c_row + column,
        AT(bias, column), AT(factor, here), AT(residual, here), AT(slope_at, kept), AT(gated_at, kept),
        AT(before, kept), AT(activated, here), AT(d_gated, here),
    };
#undef AT
}

#endif

// The next functions work on two vectors of a row: as many floats as a vector of pairs. They begin `j` columns after
// the given address; if they are not whole, `left` floats exist. Always inlined, with constant flags.
#define HERE(i) (is_whole ? LANES : left - (i) * LANES)
#define COLUMN(i) (j + (i) * LANES)

ALWAYS_INLINE void NAME(store_saved)(
    const bool is_paired, const bool is_whole, float *to, int64_t j, int64_t left, const vf x[2]) {
    if (is_paired) {
        store_up_to(to + j / 2, neighbours(x[0], x[1]), is_whole ? LANES : saved_words(GPT_BFLOAT16, left));
        return;
    }
    for (int i = 0; i < 2; i++) store_some(to + COLUMN(i), x[i], HERE(i));
}

ALWAYS_INLINE void NAME(load_saved)(
    const bool is_paired, const bool is_whole, const float *from, int64_t j, int64_t left, vf x[2]) {
    if (is_paired) {
        spread_pairs(load_up_to(from + j / 2, is_whole ? LANES : saved_words(GPT_BFLOAT16, left)), &x[0], &x[1]);
        return;
    }
    for (int i = 0; i < 2; i++) x[i] = load_some(from + COLUMN(i), HERE(i));
}

ALWAYS_INLINE void NAME(epilogue_pair)(
    const gpt_matmul *m, const matmul_epilogue epilogue, const bool is_paired, const bool is_whole,
    const epilogue_pointers *at, int64_t j, int64_t left) {
    vf x[2];
#pragma clang loop unroll(full)
    for (int i = 0; i < 2; i++) {
        x[i] = load_some(at->c + COLUMN(i), HERE(i));
        if (epilogue != DERIVATIVE && at->bias) x[i] += load_some(at->bias + COLUMN(i), HERE(i));
        if (epilogue == SUM && at->residual) x[i] += load_some(at->residual + COLUMN(i), HERE(i));
    }
    if (epilogue == ACTIVATION) {
        if (at->before) NAME(store_saved)(is_paired, is_whole, at->before, j, left, x);
#pragma clang loop unroll(full)
        for (int i = 0; i < 2; i++) {
            x[i] = NAME(activate)(m->activation, x[i]);
            if (at->factor) x[i] *= load_some(at->factor + COLUMN(i), HERE(i));
        }
    }
    if (epilogue == DERIVATIVE) {
        vf h[2], gated[2];
        NAME(load_saved)(is_paired, is_whole, at->slope_at, j, left, h);
        if (at->gated_at) NAME(load_saved)(is_paired, is_whole, at->gated_at, j, left, gated);
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

// The epilogue of (rows, columns) of c at (row, column).
ALWAYS_INLINE void NAME(epilogue_rows)(
    const gpt_matmul *m, const matmul_epilogue epilogue, const bool is_paired, int64_t row, int64_t rows,
    int64_t column, int64_t columns) {
    epilogue_pointers at = pointers_at(m, is_paired, row, column);
    const int64_t kept_row = is_paired ? (m->n + 1) / 2 : m->n;
    for (int64_t r = 0; r < rows; r++) {
        int64_t j = 0;
        for (; j + 2 * LANES <= columns; j += 2 * LANES) NAME(epilogue_pair)(m, epilogue, is_paired, true, &at, j, 0);
        if (j < columns) NAME(epilogue_pair)(m, epilogue, is_paired, false, &at, j, columns - j);
        at.c += m->c_row;
        if (at.residual) at.residual += m->n;
        if (at.before) at.before += kept_row;
        if (at.factor) at.factor += m->n;
        if (epilogue != DERIVATIVE) continue;
        at.slope_at += kept_row;
        at.activated += m->n;
        if (!at.gated_at) continue;
        at.gated_at += kept_row;
        at.d_gated += m->n;
    }
}

// Prefetches rows of `count` floats that are `stride` apart, for reading or for writing; nothing if `from` is NULL.
ALWAYS_INLINE void NAME(prefetch_rows)(
    const float *from, int64_t rows, int64_t stride, int64_t count, const bool is_written) {
    if (!from) return;
    for (int64_t r = 0; r < rows; r++, from += stride)
        for (int64_t j = 0; j < count; j += CACHE_LINE) {
            if (is_written) __builtin_prefetch(from + j, 1);
            else __builtin_prefetch(from + j);
        }
}

// Prefetches the tile of c, and what its epilogue will read and write, while the tile is computed.
ALWAYS_INLINE void NAME(prefetch_tile)(
    const gpt_matmul *m, int64_t row, int64_t rows, int64_t column, int64_t columns, bool has_epilogue) {
    const bool is_paired = m->kept_precision == GPT_BFLOAT16;
    const int64_t words = is_paired ? columns / 2 : columns, kept_row = saved_words(m->kept_precision, m->n);
    const epilogue_pointers at = pointers_at(m, is_paired, row, column);
    NAME(prefetch_rows)(at.c, rows, m->c_row, columns, true);
    if (!has_epilogue) return;
    NAME(prefetch_rows)(at.factor, rows, m->n, columns, false);
    NAME(prefetch_rows)(at.residual, rows, m->n, columns, false);
    NAME(prefetch_rows)(at.before, rows, kept_row, words, true);
    if (!at.slope_at) return;
    NAME(prefetch_rows)(at.slope_at, rows, kept_row, words, false);
    NAME(prefetch_rows)(at.activated, rows, m->n, columns, true);
    NAME(prefetch_rows)(at.gated_at, rows, kept_row, words, false);
    NAME(prefetch_rows)(at.d_gated, rows, m->n, columns, true);
}

static void NAME(epilogue)(const gpt_matmul *m, int64_t row, int64_t rows, int64_t column, int64_t columns) {
#define EPILOGUE(kind, is_paired) NAME(epilogue_rows)(m, kind, is_paired, row, rows, column, columns)
    const bool is_paired = m->kept_precision == GPT_BFLOAT16;
    switch (epilogue_of(m)) {
    case SUM: EPILOGUE(SUM, false); break;
    case ACTIVATION: if (is_paired) EPILOGUE(ACTIVATION, true); else EPILOGUE(ACTIVATION, false); break;
    case DERIVATIVE: if (is_paired) EPILOGUE(DERIVATIVE, true); else EPILOGUE(DERIVATIVE, false); break;
    }
#undef EPILOGUE
}
