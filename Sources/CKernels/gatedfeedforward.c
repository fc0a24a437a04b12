// SwiGLU between its products. With s = 1 / (1 + exp(-gate)):
//
//     out    = gate s up
//     d_up   = d_out gate s
//     d_gate = d_out up s (1 + gate (1 - s))

#include "gatedfeedforward.h"
#include "threads.h"

#ifndef SIMD

enum { GATED_PIECE = 4096 };

typedef struct {
    int64_t count;
    const float *gate, *up, *d_out;
    float *d_gate, *d_up, *out;
} GPT_CONTEXT gated;

#endif

#ifdef SIMD

static void NAME(gated_forward)(void *context, int64_t piece) {
    const gated *g = context;
    const int64_t end = (piece + 1) * GATED_PIECE < g->count ? (piece + 1) * GATED_PIECE : g->count;
    for (int64_t i = piece * GATED_PIECE; i < end; i += LANES) {
        const int64_t left = end - i;
        vf gate = load_up_to(g->gate + i, left);
        store_up_to(g->out + i, gate * vlogistic(gate) * load_up_to(g->up + i, left), left);
    }
}

static void NAME(gated_backward)(void *context, int64_t piece) {
    const gated *g = context;
    const int64_t end = (piece + 1) * GATED_PIECE < g->count ? (piece + 1) * GATED_PIECE : g->count;
    for (int64_t i = piece * GATED_PIECE; i < end; i += LANES) {
        const int64_t left = end - i;
        vf gate = load_up_to(g->gate + i, left), up = load_up_to(g->up + i, left);
        vf d = load_up_to(g->d_out + i, left), s = vlogistic(gate);
        store_up_to(g->d_up + i, d * (gate * s), left);
        store_up_to(g->d_gate + i, d * up * (s * (1.0f + gate * (1.0f - s))), left);
        store_up_to(g->out + i, gate * s * up, left);
    }
}

#else

#define KERNEL_SOURCE "../gatedfeedforward.c"
#include "each_instruction_set.h"

KERNEL_TABLE(gated_forward);
KERNEL_TABLE(gated_backward);

static int64_t pieces(int64_t count) { return (count + GATED_PIECE - 1) / GATED_PIECE; }

void gpt_gated_forward(gpt_execution execution, int64_t count, const float *gate, const float *up, float *out) {
    gated g = {.count = count, .gate = gate, .up = up, .out = out};
    gpt_parallel(execution.threads, pieces(count), gated_forward_table[execution.instruction_set], &g);
}

void gpt_gated_backward(
    gpt_execution execution, int64_t count, const float *gate, const float *up, const float *d_out, float *d_gate,
    float *d_up, float *out) {
    gated g = {
        .count = count, .gate = gate, .up = up, .d_out = d_out, .d_gate = d_gate, .d_up = d_up, .out = out,
    };
    gpt_parallel(execution.threads, pieces(count), gated_backward_table[execution.instruction_set], &g);
}

#endif
