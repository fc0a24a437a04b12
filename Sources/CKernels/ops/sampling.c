// Sampling weights of the tokens of a vocabulary. One thread is enough: it takes microseconds.

#include "at_most.h"
#include "sampling.h"

#ifdef SIMD

static float NAME(highest)(int64_t count, const float *x) {
    vf highest = splat(-INFINITY);
    int64_t i = 0;
    // In this order of arguments, NaN is ignored.
    for (; i + LANES <= count; i += LANES) highest = vmax(load(x + i), highest);
    float result = largest(highest);
    for (; i < count; i++) result = x[i] > result ? x[i] : result;
    return result;
}

static void NAME(weights)(
    int64_t count, const float *x, float highest, float factor, float minimum, float *weights, float *sums) {
    const float underflow = -87;
    for (int64_t block = 0; block * GPT_SAMPLING_BLOCK < count; block++) {
        const int64_t end = at_most((block + 1) * GPT_SAMPLING_BLOCK, count);
        vf total = splat(0);
        for (int64_t i = block * GPT_SAMPLING_BLOCK; i < end; i += LANES) {
            vf score = load_up_to(x + i, end - i), power = (score - highest) * factor;
            vf weight = vexp(power);
            weight = weight >= minimum ? weight : splat(0);
            weight = power > underflow ? weight : splat(0);
            weight = score > -INFINITY ? weight : splat(0);
            weight = score == highest ? splat(1) : weight;
            store_up_to(weights + i, weight, end - i);
            // In the lanes past the end the weights need not be 0.
            total += end - i >= LANES ? weight : load_part(weights + i, end - i);
        }
        sums[block] = sum(total);
    }
}

#else

#define KERNEL_SOURCE "../ops/sampling.c"
#include "each_instruction_set.h"

KERNEL_TABLE(highest);
KERNEL_TABLE(weights);

float gpt_highest(gpt_execution execution, int64_t count, const float *x) {
    return highest_table[execution.instruction_set](count, x);
}

void gpt_sampling_weights(
    gpt_execution execution, int64_t count, const float *x, float highest, float temperature, float minimum,
    float *weights, float *sums) {
    weights_table[execution.instruction_set](count, x, highest, 1 / temperature, minimum, weights, sums);
}

#endif
