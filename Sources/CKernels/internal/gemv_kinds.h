// What the kinds of products in gemv.c share: their entry points and the epilogue.
//
// Included once for the declarations, and by kernel files within each_instruction_set.h once more for the kernels.

#ifndef GPT_GEMV_KINDS_H
#define GPT_GEMV_KINDS_H

#include "at_most.h"
#include "gemv.h"
#include "matmul.h"

enum { GEMV_ONE_THREAD = 1 << 18 };    // bytes that one thread reads before two have started and joined

// gpt_gemv_run for weights in float32, and for packed ones.
void gpt_gemv_float(gpt_execution execution, const gpt_gemv *gemv);
void gpt_gemv_packed(gpt_execution execution, const gpt_gemv *gemv);

static inline bool gemv_has_epilogue(const gpt_gemv *m) {
    return m->bias || m->factor || m->residual || m->activation != GPT_IDENTITY;
}

#endif

#ifdef SIMD

#include "activation.h"

// Stores a vector of y, given the sum of its products.
ALWAYS_INLINE void NAME(epilogue)(const gpt_gemv *m, int64_t row, int64_t column, vf sum, int64_t left) {
    if (m->bias) sum += load_up_to(m->bias + column, left);
    sum = NAME(activate)(m->activation, sum);
    if (m->factor) sum *= load_up_to(m->factor + row * m->n + column, left);
    if (m->residual) sum += load_up_to(m->residual + row * m->n + column, left);
    store_up_to(m->y + row * m->n + column, sum, left);
}

#endif
