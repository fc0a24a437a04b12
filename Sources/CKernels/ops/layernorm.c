// Layer normalisation. With n = (x - mean) r, r = 1 / sqrt(variance + epsilon), g = d_y gamma:
//
//     y       = n gamma + beta
//     d_x     = r (g - mean(g) - n mean(g n))
//     d_gamma = the sum over rows of d_y n,   d_beta = the sum over rows of d_y
//
// The sums over rows are taken in blocks of LAYERNORM_BLOCK rows, and the blocks are added in order, for any number of
// threads.

#include "layernorm.h"
#include "partial_sums.h"
#include "threads.h"

#ifndef SIMD

enum { LAYERNORM_BLOCK = 32 };

typedef struct {
    int64_t rows, columns;
    float epsilon;
    const float *x, *gamma, *beta, *d_y;
    float *y, *mean, *reciprocal_deviation, *d_x, *partial;
    bool add_to_x;
} GPT_CONTEXT layernorm;

#endif

#ifdef SIMD

static void NAME(layernorm_forward)(void *context, int64_t block) {
    const layernorm *l = context;
    const int64_t C = l->columns, first = block * LAYERNORM_BLOCK;
    const int64_t end = first + LAYERNORM_BLOCK < l->rows ? first + LAYERNORM_BLOCK : l->rows;
    for (int64_t row = first; row < end; row++) {
        const float *x = l->x + row * C;
        float *y = l->y + row * C;
        vf total = splat(0);
        for (int64_t j = 0; j < C; j += LANES) total += load_up_to(x + j, C - j);
        const float mean = sum(total) / (float)C;
        vf squares = splat(0), deviations = splat(0);
        int64_t j = 0;
        for (; j + LANES <= C; j += LANES) {
            vf d = load(x + j) - mean;
            squares = d * d + squares;
            deviations += d;
        }
        float square = sum(squares), deviation = sum(deviations);
        for (; j < C; j++) {
            const float d = x[j] - mean;
            square += d * d;
            deviation += d;
        }
        // The rounding error of the mean, which for numbers far from zero is large compared with their deviation.
        const float rest = deviation / (float)C;
        const float variance = square / (float)C - rest * rest;    // may round below 0 if all numbers are equal
        const float r = 1.0f / sqrtf((variance < 0 ? 0 : variance) + l->epsilon);
        for (j = 0; j < C; j += LANES) {
            vf n = (load_up_to(x + j, C - j) - mean - rest) * r;
            store_up_to(y + j, n * load_up_to(l->gamma + j, C - j) + load_up_to(l->beta + j, C - j), C - j);
        }
        if (!l->mean) continue;
        l->mean[row] = mean + rest;
        l->reciprocal_deviation[row] = r;
    }
}

static void NAME(layernorm_backward)(void *context, int64_t block) {
    const layernorm *l = context;
    const int64_t C = l->columns, first = block * LAYERNORM_BLOCK;
    const int64_t end = first + LAYERNORM_BLOCK < l->rows ? first + LAYERNORM_BLOCK : l->rows;
    float *d_gamma = l->partial + block * 2 * C, *d_beta = d_gamma + C;
    memset(d_gamma, 0, (size_t)(2 * C) * sizeof(float));
    for (int64_t row = first; row < end; row++) {
        const float *x = l->x + row * C, *d_y = l->d_y + row * C;
        const float mean = l->mean[row], r = l->reciprocal_deviation[row];
        vf sum_g = splat(0), sum_gn = splat(0);
        for (int64_t j = 0; j < C; j += LANES) {
            const int64_t left = C - j;
            vf dy = load_up_to(d_y + j, left);
            vf n = (load_up_to(x + j, left) - mean) * r;
            vf g = dy * load_up_to(l->gamma + j, left);    // 0 beyond the row's end, as d_y is
            sum_g += g;
            sum_gn = g * n + sum_gn;
            store_up_to(d_gamma + j, dy * n + load_up_to(d_gamma + j, left), left);
            store_up_to(d_beta + j, dy + load_up_to(d_beta + j, left), left);
        }
        if (!l->d_x) continue;
        const float mean_g = sum(sum_g) / (float)C, mean_gn = sum(sum_gn) / (float)C;
        float *d_x = l->d_x + row * C;
        for (int64_t j = 0; j < C; j += LANES) {
            const int64_t left = C - j;
            vf n = (load_up_to(x + j, left) - mean) * r;
            vf g = load_up_to(d_y + j, left) * load_up_to(l->gamma + j, left);
            vf d = r * (g - mean_g - n * mean_gn);
            store_up_to(d_x + j, l->add_to_x ? load_up_to(d_x + j, left) + d : d, left);
        }
    }
}

#else

#define KERNEL_SOURCE "../ops/layernorm.c"
#include "each_instruction_set.h"

KERNEL_TABLE(layernorm_forward);
KERNEL_TABLE(layernorm_backward);

static int64_t blocks(int64_t rows) { return (rows + LAYERNORM_BLOCK - 1) / LAYERNORM_BLOCK; }

void gpt_layernorm_forward(
    gpt_execution execution, int64_t rows, int64_t columns, float epsilon, const float *x, const float *gamma,
    const float *beta, float *y, float *mean, float *reciprocal_deviation) {
    layernorm l = {
        .rows = rows, .columns = columns, .epsilon = epsilon, .x = x, .gamma = gamma, .beta = beta, .y = y,
        .mean = mean, .reciprocal_deviation = reciprocal_deviation,
    };
    gpt_parallel(execution.threads, blocks(rows), layernorm_forward_table[execution.instruction_set], &l);
}

void gpt_layernorm_backward(
    gpt_execution execution, int64_t rows, int64_t columns, const float *d_y, const float *x, const float *gamma,
    const float *mean, const float *reciprocal_deviation, float *d_x, bool add_to_x, float *d_gamma, bool add_to_gamma,
    float *d_beta, bool add_to_beta) {
    layernorm l = {
        .rows = rows, .columns = columns, .x = x, .gamma = gamma, .d_y = d_y, .mean = (float *)mean,
        .reciprocal_deviation = (float *)reciprocal_deviation, .d_x = d_x, .add_to_x = add_to_x,
        .partial = gpt_scratch(GPT_SCRATCH_SHARED, blocks(rows) * 2 * columns),
    };
    gpt_parallel(execution.threads, blocks(rows), layernorm_backward_table[execution.instruction_set], &l);
    add_partial_sums(l.partial, blocks(rows), 2 * columns, columns, d_gamma, add_to_gamma);
    add_partial_sums(l.partial + columns, blocks(rows), 2 * columns, columns, d_beta, add_to_beta);
}

#endif
