// Softmax cross-entropy of rows of logits.
#ifndef GPT_CROSSENTROPY_H
#define GPT_CROSSENTROPY_H

#include "execution.h"

// losses[i] = log(sum_j exp(logits[i, j])) - sum_j p[j] logits[i, j], in nats; 0 where targets[i] is negative. p is the
// smoothed target: smoothing / vocabulary everywhere, and 1 - smoothing more at targets[i].
// With scale != 0, logits are replaced by scale times the gradient of the losses: scale (softmax - p), or 0 where there is
// no target.
void gpt_cross_entropy(
    gpt_execution execution, int64_t rows, int64_t vocabulary, float *logits, const int32_t *targets, double *losses,
    float smoothing, float scale);

#endif
