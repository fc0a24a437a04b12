// AdamW (Loshchilov and Hutter, 2019), one pass over parameters, gradients and moments:
//
//     g = scale gradient
//     p = p (1 - lr decay)
//     m = beta1 m + (1 - beta1) g,   v = beta2 v + (1 - beta2) g^2
//     p = p - lr (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + epsilon)

#include "adamw.h"
#include "threads.h"

#ifndef SIMD

enum { CHUNK = 16384, SEGMENT = 1024 };

typedef struct {
    const gpt_adamw *settings;
    int64_t count;
    float *parameters, *moment1, *moment2;
    const float *gradients;
    double *sums;
} GPT_CONTEXT adamw;

#endif

#ifdef SIMD

#if LANES == 1
#define ROOT(v) sqrtf(v)
#else
#define ROOT(v) __builtin_elementwise_sqrt(v)
#endif

static void NAME(adamw_update)(void *context, int64_t chunk) {
    const adamw *a = context;
    const gpt_adamw s = *a->settings;
    const int64_t end = (chunk + 1) * CHUNK < a->count ? (chunk + 1) * CHUNK : a->count;
    const float keep = (float)(1 - s.learning_rate * s.weight_decay), step = (float)(s.learning_rate / s.correction1);
    const float root = (float)(1 / sqrt(s.correction2)), epsilon = (float)s.epsilon, scale = (float)s.gradient_scale;
    const float beta1 = (float)s.beta1, beta2 = (float)s.beta2;
    const float rest1 = (float)(1 - s.beta1), rest2 = (float)(1 - s.beta2);
    for (int64_t i = chunk * CHUNK; i < end; i += LANES) {
        const int64_t left = end - i;
        vf g = load_up_to(a->gradients + i, left) * scale;
        vf m = beta1 * load_up_to(a->moment1 + i, left) + rest1 * g;
        vf v = beta2 * load_up_to(a->moment2 + i, left) + rest2 * (g * g);
        vf p = load_up_to(a->parameters + i, left) * keep - step * m / (ROOT(v) * root + epsilon);
        store_up_to(a->moment1 + i, m, left);
        store_up_to(a->moment2 + i, v, left);
        store_up_to(a->parameters + i, p, left);
    }
}

static void NAME(sum_of_squares)(void *context, int64_t chunk) {
    const adamw *a = context;
    const int64_t end = (chunk + 1) * CHUNK < a->count ? (chunk + 1) * CHUNK : a->count;
    double total = 0;
    for (int64_t start = chunk * CHUNK; start < end; start += SEGMENT) {
        const int64_t stop = start + SEGMENT < end ? start + SEGMENT : end;
        vf squares = splat(0);
        for (int64_t i = start; i < stop; i += LANES) {
            vf g = load_up_to(a->gradients + i, stop - i);
            squares = g * g + squares;
        }
        total += sum(squares);
    }
    a->sums[chunk] = total;
}

#undef ROOT

#else

#define KERNEL_SOURCE "../ops/adamw.c"
#include "each_instruction_set.h"

KERNEL_TABLE(adamw_update);
KERNEL_TABLE(sum_of_squares);

void gpt_adamw_update(
    gpt_execution execution, const gpt_adamw *settings, int64_t count, float *parameters, const float *gradients,
    float *moment1, float *moment2) {
    adamw a = {
        .settings = settings, .count = count, .parameters = parameters, .gradients = gradients, .moment1 = moment1,
        .moment2 = moment2,
    };
    gpt_parallel(execution.threads, (count + CHUNK - 1) / CHUNK, adamw_update_table[execution.instruction_set], &a);
}

double gpt_sum_of_squares(gpt_execution execution, int64_t count, const float *x) {
    const int64_t chunks = (count + CHUNK - 1) / CHUNK;
    adamw a = {.count = count, .gradients = x, .sums = (double *)gpt_scratch(GPT_SCRATCH_SHARED, 2 * chunks)};
    gpt_parallel(execution.threads, chunks, sum_of_squares_table[execution.instruction_set], &a);
    double total = 0;
    for (int64_t chunk = 0; chunk < chunks; chunk++) total += a.sums[chunk];
    return total;
}

#endif
