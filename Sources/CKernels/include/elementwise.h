// Sums of arrays, element by element and over rows.
#ifndef GPT_ELEMENTWISE_H
#define GPT_ELEMENTWISE_H

#include "execution.h"

// out = a + b. out may be a or b.
void gpt_add(gpt_execution execution, int64_t count, const float *a, const float *b, float *out);
// out (columns) = or, with `add`, += the sums of the columns of x (rows, columns).
void gpt_column_sums(gpt_execution execution, int64_t rows, int64_t columns, const float *x, float *out, bool add);

#endif
