// Normalisation of each row by its root mean square: y = x / sqrt(mean(x^2) + epsilon) gamma.
#ifndef GPT_RMSNORM_H
#define GPT_RMSNORM_H

#include "execution.h"

// x, y are (rows, columns). reciprocal_root (rows) is an output for the backward pass, or NULL.
void gpt_rmsnorm_forward(
    gpt_execution execution, int64_t rows, int64_t columns, float epsilon, const float *x, const float *gamma, float *y,
    float *reciprocal_root);

// Each of d_x and d_gamma may be NULL. A gradient is assigned or, where its flag is set, added.
void gpt_rmsnorm_backward(
    gpt_execution execution, int64_t rows, int64_t columns, const float *d_y, const float *x, const float *gamma,
    const float *reciprocal_root, float *d_x, bool add_to_x, float *d_gamma, bool add_to_gamma);

#endif
