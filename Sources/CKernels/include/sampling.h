// What drawing a token from logits costs most of: the exponentials of a whole vocabulary.
#ifndef GPT_SAMPLING_H
#define GPT_SAMPLING_H

#include "execution.h"

// Logits whose weights are summed together.
enum { GPT_SAMPLING_BLOCK = 1024 };

// The largest of x; -inf if there is none, or none is a number.
float gpt_highest(gpt_execution execution, int64_t count, const float *x);

// weights[i] = exp((x[i] - highest) / temperature), so 1 where x is the highest, also if that is infinite. Weights below
// `minimum`, and those less than a float can be, are 0; so is that of what is not a number. sums[b] is the sum of block b.
void gpt_sampling_weights(
    gpt_execution execution, int64_t count, const float *x, float highest, float temperature, float minimum,
    float *weights, float *sums);

#endif
