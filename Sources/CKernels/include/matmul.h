// c = a b (or c += a b), with an epilogue while the result is still in cache.
#ifndef GPT_MATMUL_H
#define GPT_MATMUL_H

#include "execution.h"

typedef enum { GPT_IDENTITY = 0, GPT_GELU = 1, GPT_RELU = 2, GPT_SILU = 3 } gpt_activation;

// a is (m, k), b is (k, n), c is (m, n). a and b are addressed by strides in floats, one of the two strides of each
// being 1, so that either may be read transposed; c has contiguous rows. What is done to c afterwards is one of three: a sum
// (bias, residual), an activation (bias, before, factor) or a slope (slope_at and what follows it).
typedef struct {
    int64_t m, n, k;
    int32_t precision;       // gpt_precision, to which a and b are rounded
    const float *a;
    int64_t a_row, a_column;
    const float *b;
    int64_t b_row, b_column;
    const float *packed_b;   // b as gpt_matmul_pack packs it, or NULL
    float *c;
    int64_t c_row;
    bool accumulate;         // c += a b rather than c = a b
    const float *bias;       // (n), added to each row, or NULL
    int32_t activation;      // gpt_activation, applied after the bias
    const float *factor;     // (m, n) contiguous: c is multiplied by it after the activation, or NULL
    int32_t kept_precision;  // gpt_precision of all that is kept; rows of bfloat16 begin at whole words
    float *before;           // kept (m, n): what the activation was applied to goes here, or NULL
    const float *slope_at;   // kept (m, n): c is multiplied by the derivative of `slope` there, or NULL
    float *activated;        // (m, n) contiguous: `slope` itself of what is at slope_at goes here
    const float *gated_at;   // kept (m, n): what `slope` was multiplied by, and so c and `activated` are, or NULL
    float *d_gated;          // (m, n) contiguous: c times `slope` itself, the gradient of what is at gated_at, goes here
    int32_t slope;           // gpt_activation
    const float *residual;   // (m, n) contiguous, added to c, or NULL
    float *column_sums;      // (n): the sums of the columns of b, unrounded, or NULL; only where b's rows are contiguous
    bool add_column_sums;    // on top of what column_sums holds
} gpt_matmul;

// Whether anything is done to c after the product.
static inline bool gpt_has_epilogue(const gpt_matmul *m) {
    return m->bias || m->before || m->slope_at || m->factor || m->residual || m->activation != GPT_IDENTITY;
}

// Several products with the same b and precision may share its packed form.
int64_t gpt_matmul_packed_size(const gpt_matmul *matmul);    // in floats
void gpt_matmul_pack(gpt_execution execution, const gpt_matmul *matmul, float *packed);

void gpt_matmul_run(gpt_execution execution, const gpt_matmul *matmul);

#endif
