// Softmax cross-entropy and its gradient, row by row, in place.

#include "crossentropy.h"
#include "natural_log.h"
#include "threads.h"

#ifndef SIMD

enum { ROWS = 4 };

typedef struct {
    int64_t rows, vocabulary;
    float *logits;
    const int32_t *targets;
    double *losses;
    float smoothing, scale;
} GPT_CONTEXT cross_entropy;

#endif

#ifdef SIMD

// The mean of a row. The sums of segments are added in double.
static double NAME(mean)(const float *x, int64_t count) {
    double total = 0;
    for (int64_t start = 0; start < count; start += 1024) {
        const int64_t stop = start + 1024 < count ? start + 1024 : count;
        vf segment = splat(0);
        for (int64_t j = start; j < stop; j += LANES) segment += load_up_to(x + j, stop - j);
        total += sum(segment);
    }
    return total / (double)count;
}

static void NAME(cross_entropy)(void *context, int64_t item) {
    const cross_entropy *c = context;
    const int64_t V = c->vocabulary, end = (item + 1) * ROWS < c->rows ? (item + 1) * ROWS : c->rows;
    for (int64_t row = item * ROWS; row < end; row++) {
        float *logits = c->logits + row * V;
        const int32_t target = c->targets[row];
        c->losses[row] = 0;
        if (target < 0) {
            if (c->scale != 0) memset(logits, 0, (size_t)V * sizeof(float));
            continue;
        }
        vf highest = splat(-INFINITY);
        int64_t j = 0;
        for (; j + LANES <= V; j += LANES) highest = vmax(load(logits + j), highest);
        float maximum = largest(highest);
        for (; j < V; j++) maximum = logits[j] > maximum ? logits[j] : maximum;
        double smoothed_logit = (1 - (double)c->smoothing) * logits[target];
        if (c->smoothing != 0) smoothed_logit += c->smoothing * NAME(mean)(logits, V);

        // A float sum over a large vocabulary would lose digits: the sums of segments are added in double.
        double total = 0;
        for (int64_t start = 0; start < V; start += 1024) {
            const int64_t stop = start + 1024 < V ? start + 1024 : V;
            vf segment = splat(0);
            for (j = start; j + LANES <= stop; j += LANES) {
                vf e = vexp(load(logits + j) - maximum);
                segment += e;
                if (c->scale != 0) store(logits + j, e);
            }
            if (j < stop) {
                float rest[LANES];
                store(rest, vexp(load_up_to(logits + j, stop - j) - maximum));
                for (int64_t i = 0; i < stop - j; i++) {
                    total += rest[i];
                    if (c->scale != 0) logits[j + i] = rest[i];
                }
            }
            total += sum(segment);
        }
        c->losses[row] = natural_log(total) + maximum - smoothed_logit;
        if (c->scale != 0) {
            const float factor = (float)(c->scale / total);
            const float everywhere = c->scale * c->smoothing / (float)V;
            for (j = 0; j < V; j += LANES)
                store_up_to(logits + j, load_up_to(logits + j, V - j) * factor - everywhere, V - j);
            logits[target] -= c->scale * (1 - c->smoothing);
        }
    }
}

#else

#define KERNEL_SOURCE "../ops/crossentropy.c"
#include "each_instruction_set.h"

KERNEL_TABLE(cross_entropy);

void gpt_cross_entropy(
    gpt_execution execution, int64_t rows, int64_t vocabulary, float *logits, const int32_t *targets, double *losses,
    float smoothing, float scale) {
    cross_entropy c = {rows, vocabulary, logits, targets, losses, smoothing, scale};
    gpt_parallel(execution.threads, (rows + ROWS - 1) / ROWS, cross_entropy_table[execution.instruction_set], &c);
}

#endif
