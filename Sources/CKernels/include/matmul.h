// Matrix products: c = a b or c += a b, with an epilogue on each tile while it is in cache.
#ifndef GPT_MATMUL_H
#define GPT_MATMUL_H

#include "execution.h"

typedef enum { GPT_IDENTITY = 0, GPT_GELU = 1, GPT_RELU = 2, GPT_SILU = 3, GPT_EXACT_GELU = 4, GPT_TANH = 5 } gpt_activation;

// a is (m, k), b is (k, n), c is (m, n). a and b have a stride in floats for each dimension; one of the two strides is 1.
// So a transposed matrix is read where it is. c has contiguous rows. The epilogue is one of three: a sum (bias, residual), an
// activation (bias, before, factor) or a derivative (slope_at and the fields after it). "Saved" arrays are those that
// forward writes for backward.
typedef struct {
    int64_t m, n, k;
    int32_t precision;       // gpt_precision, to which a and b are rounded
    const float *a;
    int64_t a_row, a_column;
    const float *b;
    int64_t b_row, b_column;
    const float *packed_b;   // b as packed by gpt_matmul_pack, or NULL
    float *c;
    int64_t c_row;
    bool accumulate;         // c += a b rather than c = a b
    const float *bias;       // (n), added to each row, or NULL
    int32_t activation;      // gpt_activation, applied after the bias
    const float *factor;     // (m, n) contiguous: c is multiplied by it after the activation, or NULL
    int32_t kept_precision;  // gpt_precision of the saved arrays; in bfloat16 each row begins at a whole word
    float *before;           // saved (m, n): receives the input of the activation, or NULL
    const float *slope_at;   // saved (m, n): h, the input of `slope`; c is multiplied by slope'(h); or NULL
    float *activated;        // (m, n) contiguous: receives slope(h)
    const float *gated_at;   // saved (m, n): u of the gated slope(h) u; c and `activated` are multiplied by it; or NULL
    float *d_gated;          // (m, n) contiguous: receives c slope(h), the gradient of u
    int32_t slope;           // gpt_activation
    const float *residual;   // (m, n) contiguous, added to c, or NULL
    float *column_sums;      // (n): receives the unrounded sums of b's columns, or NULL; requires contiguous rows of b
    bool add_column_sums;    // column_sums += rather than =
} gpt_matmul;

// Whether there is an epilogue.
static inline bool gpt_has_epilogue(const gpt_matmul *m) {
    return m->bias || m->before || m->slope_at || m->factor || m->residual || m->activation != GPT_IDENTITY;
}

// Packing b once for several products with the same b and precision.
int64_t gpt_matmul_packed_size(gpt_execution execution, const gpt_matmul *matmul);    // in floats
void gpt_matmul_pack(gpt_execution execution, const gpt_matmul *matmul, float *packed);

void gpt_matmul_run(gpt_execution execution, const gpt_matmul *matmul);

#endif
