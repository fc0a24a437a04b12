// Layer normalisation of each row: y = (x - mean) / sqrt(variance + epsilon) gamma + beta.
#ifndef GPT_LAYERNORM_H
#define GPT_LAYERNORM_H

#include "execution.h"

// x, y are (rows, columns). mean and reciprocal_deviation (rows) are outputs for the backward pass; both may be NULL.
void gpt_layernorm_forward(
    gpt_execution execution, int64_t rows, int64_t columns, float epsilon, const float *x, const float *gamma,
    const float *beta, float *y, float *mean, float *reciprocal_deviation);

// Each of d_x, d_gamma, d_beta may be NULL. A gradient is assigned or, where its flag is set, added.
void gpt_layernorm_backward(
    gpt_execution execution, int64_t rows, int64_t columns, const float *d_y, const float *x, const float *gamma,
    const float *mean, const float *reciprocal_deviation, float *d_x, bool add_to_x, float *d_gamma, bool add_to_gamma,
    float *d_beta, bool add_to_beta);

#endif
