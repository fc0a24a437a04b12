// The element-wise parts of Muon (Jordan et al., 2024): the momentum before the direction is orthogonalized, and the
// step after it.

#include "muon.h"
#include "threads.h"

#ifndef SIMD

enum { CHUNK = 16384 };

typedef struct {
    int64_t count;
    float beta, scale, keep, rate;
    const float *gradients;
    float *momentum, *direction, *parameters;
} GPT_CONTEXT muon;

#endif

#ifdef SIMD

static void NAME(nesterov_momentum)(void *context, int64_t chunk) {
    const muon *m = context;
    const int64_t end = (chunk + 1) * CHUNK < m->count ? (chunk + 1) * CHUNK : m->count;
    const float beta = m->beta, rest = m->scale;
    for (int64_t i = chunk * CHUNK; i < end; i += LANES) {
        const int64_t left = end - i;
        vf g = load_up_to(m->gradients + i, left) * rest;
        vf mean = beta * load_up_to(m->momentum + i, left) + g;
        store_up_to(m->momentum + i, mean, left);
        store_up_to(m->direction + i, beta * mean + g, left);
    }
}

static void NAME(step_along)(void *context, int64_t chunk) {
    const muon *m = context;
    const int64_t end = (chunk + 1) * CHUNK < m->count ? (chunk + 1) * CHUNK : m->count;
    for (int64_t i = chunk * CHUNK; i < end; i += LANES) {
        const int64_t left = end - i;
        vf p = load_up_to(m->parameters + i, left) * m->keep - m->rate * load_up_to(m->direction + i, left);
        store_up_to(m->parameters + i, p, left);
    }
}

#else

#define KERNEL_SOURCE "../ops/muon.c"
#include "each_instruction_set.h"

KERNEL_TABLE(nesterov_momentum);
KERNEL_TABLE(step_along);

void gpt_nesterov_momentum(
    gpt_execution execution, int64_t count, double beta, double scale, const float *gradients, float *momentum,
    float *direction) {
    muon m = {
        .count = count, .beta = (float)beta, .scale = (float)((1 - beta) * scale), .gradients = gradients,
        .momentum = momentum, .direction = direction,
    };
    gpt_parallel(
        execution.threads, (count + CHUNK - 1) / CHUNK, nesterov_momentum_table[execution.instruction_set], &m);
}

void gpt_step_along(
    gpt_execution execution, int64_t count, double keep, double rate, const float *direction, float *parameters) {
    muon m = {.count = count, .keep = (float)keep, .rate = (float)rate, .parameters = parameters};
    m.direction = (float *)direction;    // only read
    gpt_parallel(execution.threads, (count + CHUNK - 1) / CHUNK, step_along_table[execution.instruction_set], &m);
}

#endif
