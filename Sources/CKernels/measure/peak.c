// The multiply-add rate of the machine, in registers only, with enough operations in flight to hide their latency.

#include "peak.h"
#include "seconds.h"
#include "threads.h"

#ifndef SIMD

enum { REPEATS = 100000, CHAINS = 12, FLOATS = 64 };

typedef struct {
    float *results;    // FLOATS per thread
    int32_t precision;
} GPT_CONTEXT peak;

#endif

#ifdef SIMD

static void NAME(spend)(void *context, int64_t i) {
    const peak *s = context;
    float *result = s->results + i * FLOATS;
    // Two vectors for each chain keep 24 multiply-adds in flight where there are enough registers.
    vf sums[CHAINS * VECTORS / 2];
    const vf x = load(result), y = load(result + 16);
    for (int c = 0; c < CHAINS * VECTORS / 2; c++) sums[c] = x + (float)c;
#ifdef HAS_BFLOAT16
    if (s->precision == GPT_BFLOAT16)
        for (int repeat = 0; repeat < REPEATS; repeat++)
#pragma clang loop unroll(full)
            for (int c = 0; c < CHAINS * VECTORS / 2; c++) sums[c] = dot_pairs(sums[c], x, y);
    else
#endif
        for (int repeat = 0; repeat < REPEATS; repeat++)
#pragma clang loop unroll(full)
            for (int c = 0; c < CHAINS * VECTORS / 2; c++) sums[c] = sums[c] * y + x;
    vf all = splat(0);
    for (int c = 0; c < CHAINS * VECTORS / 2; c++) all += sums[c];
    store(result + 32, all);
}

static double NAME(spend_flops)(int32_t precision) {
    const double flops = 2.0 * REPEATS * CHAINS * VECTORS / 2 * LANES;
#ifdef HAS_BFLOAT16
    return precision == GPT_BFLOAT16 ? 2 * flops : flops;
#else
    (void)precision;    // without instructions for bfloat16 its products are those of floats
    return flops;
#endif
}

#else

#define KERNEL_SOURCE "../measure/peak.c"
#include "each_instruction_set.h"

KERNEL_TABLE(spend);
KERNEL_TABLE(spend_flops);

double gpt_peak_flops(gpt_execution execution, int32_t precision, double seconds) {
    peak s = {gpt_scratch(GPT_SCRATCH_OPERATION, FLOATS * (int64_t)execution.threads), precision};
    for (int32_t i = 0; i < FLOATS * execution.threads; i++) s.results[i] = 0.5f;
    double best = 0;
    for (double end = seconds_now() + seconds; seconds_now() < end;) {
        const double start = seconds_now();
        gpt_parallel(execution.threads, execution.threads, spend_table[execution.instruction_set], &s);
        const double flops = execution.threads * spend_flops_table[execution.instruction_set](precision);
        const double rate = flops / (seconds_now() - start);
        if (rate > best) best = rate;
    }
    return best;
}

#endif
