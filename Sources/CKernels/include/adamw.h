// AdamW, and the gradient norm for clipping.
#ifndef GPT_ADAMW_H
#define GPT_ADAMW_H

#include "execution.h"

// The sum of the squares of x, in double.
double gpt_sum_of_squares(gpt_execution execution, int64_t count, const float *x);

typedef struct {
    // In double, as 1 - 0.999 in float is wrong in the fifth digit.
    double learning_rate, beta1, beta2, epsilon, weight_decay;
    double correction1, correction2;    // 1 - beta^t for the step t, counted from 1
    double gradient_scale;              // factor of the gradients, by clipping
} gpt_adamw;

// One update of `count` parameters and their two moments.
void gpt_adamw_update(
    gpt_execution execution, const gpt_adamw *settings, int64_t count, float *parameters, const float *gradients,
    float *moment1, float *moment2);

#endif
