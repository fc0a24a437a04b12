// Exponentials of the logits of a whole vocabulary, which take most of the time of sampling a token.
#ifndef GPT_SAMPLING_H
#define GPT_SAMPLING_H

#include "execution.h"

// The number of logits whose weights are summed together.
enum { GPT_SAMPLING_BLOCK = 1024 };

// The largest of x, ignoring NaN; -inf if there is none.
float gpt_highest(gpt_execution execution, int64_t count, const float *x);

// weights[i] = exp((x[i] - highest) / temperature), which is 1 where x[i] is the highest, also if that is infinite.
// Weights below `minimum`, those that underflow, and those of NaN are 0. sums[b] is the sum of block b.
void gpt_sampling_weights(
    gpt_execution execution, int64_t count, const float *x, float highest, float temperature, float minimum,
    float *weights, float *sums);

#endif
