// Sums of arrays, element by element and over rows.
#ifndef GPT_ELEMENTWISE_H
#define GPT_ELEMENTWISE_H

#include "execution.h"

// out = a + b. out may be a or b.
void gpt_add(gpt_execution execution, int64_t count, const float *a, const float *b, float *out);
// out = activation(x), a gpt_activation. out may be x.
void gpt_activation_forward(
    gpt_execution execution, int32_t activation, int64_t count, const float *x, float *out);
// d_x = or, with `add`, += d_y times the derivative at x.
void gpt_activation_backward(
    gpt_execution execution, int32_t activation, int64_t count, const float *d_y, const float *x, float *d_x, bool add);
// out (columns) = or, with `add`, += the sums of the columns of x (rows, columns).
void gpt_column_sums(gpt_execution execution, int64_t rows, int64_t columns, const float *x, float *out, bool add);

#endif
