// The element-wise parts of Muon. Its matrix products are those of matmul.h.
#ifndef GPT_MUON_H
#define GPT_MUON_H

#include "execution.h"

// momentum = beta momentum + (1 - beta) scale gradient,   direction = beta momentum + (1 - beta) scale gradient
void gpt_nesterov_momentum(
    gpt_execution execution, int64_t count, double beta, double scale, const float *gradients, float *momentum,
    float *direction);

// parameters = keep parameters - rate direction
void gpt_step_along(
    gpt_execution execution, int64_t count, double keep, double rate, const float *direction, float *parameters);

#endif
