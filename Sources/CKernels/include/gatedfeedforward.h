// What lies between the products of a gated feed-forward network: silu(gate) up, element by element.
#ifndef GPT_GATEDFEEDFORWARD_H
#define GPT_GATEDFEEDFORWARD_H

#include "execution.h"

// out = silu(gate) up, with silu(x) = x / (1 + exp(-x)). out may be up.
void gpt_gated_forward(gpt_execution execution, int64_t count, const float *gate, const float *up, float *out);

// The gradients of gate and up from that of the result; and the result once more, which the last product needs. `out` may
// be d_out.
void gpt_gated_backward(
    gpt_execution execution, int64_t count, const float *gate, const float *up, const float *d_out, float *d_gate,
    float *d_up, float *out);

#endif
