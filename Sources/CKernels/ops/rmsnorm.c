// RMS normalisation. With n = x r, r = 1 / sqrt(mean(x^2) + epsilon), g = d_y gamma:
//
//     y       = n gamma
//     d_x     = r (g - n mean(g n))
//     d_gamma = the sum over rows of d_y n
//
// The sum over rows is taken in blocks of RMSNORM_BLOCK rows, and the blocks are added in order, for any number of
// threads.

#include "partial_sums.h"
#include "rmsnorm.h"
#include "threads.h"

#ifndef SIMD

enum { RMSNORM_BLOCK = 32 };

typedef struct {
    int64_t rows, columns;
    float epsilon;
    const float *x, *gamma, *d_y;
    float *y, *reciprocal_root, *d_x, *partial;
    bool add_to_x;
} GPT_CONTEXT rmsnorm;

#endif

#ifdef SIMD

static void NAME(rmsnorm_forward)(void *context, int64_t block) {
    const rmsnorm *l = context;
    const int64_t C = l->columns, first = block * RMSNORM_BLOCK;
    const int64_t end = first + RMSNORM_BLOCK < l->rows ? first + RMSNORM_BLOCK : l->rows;
    for (int64_t row = first; row < end; row++) {
        const float *x = l->x + row * C;
        float *y = l->y + row * C;
        vf squares = splat(0);
        for (int64_t j = 0; j < C; j += LANES) {
            vf here = load_up_to(x + j, C - j);
            squares = here * here + squares;
        }
        const float r = 1.0f / sqrtf(sum(squares) / (float)C + l->epsilon);
        for (int64_t j = 0; j < C; j += LANES)
            store_up_to(y + j, load_up_to(x + j, C - j) * r * load_up_to(l->gamma + j, C - j), C - j);
        if (l->reciprocal_root) l->reciprocal_root[row] = r;
    }
}

static void NAME(rmsnorm_backward)(void *context, int64_t block) {
    const rmsnorm *l = context;
    const int64_t C = l->columns, first = block * RMSNORM_BLOCK;
    const int64_t end = first + RMSNORM_BLOCK < l->rows ? first + RMSNORM_BLOCK : l->rows;
    float *d_gamma = l->partial + block * C;
    memset(d_gamma, 0, (size_t)C * sizeof(float));
    for (int64_t row = first; row < end; row++) {
        const float *x = l->x + row * C, *d_y = l->d_y + row * C;
        const float r = l->reciprocal_root[row];
        vf sum_gn = splat(0);
        for (int64_t j = 0; j < C; j += LANES) {
            const int64_t left = C - j;
            vf dy_n = load_up_to(d_y + j, left) * (load_up_to(x + j, left) * r);
            sum_gn = dy_n * load_up_to(l->gamma + j, left) + sum_gn;
            store_up_to(d_gamma + j, load_up_to(d_gamma + j, left) + dy_n, left);
        }
        if (!l->d_x) continue;
        const float mean_gn = sum(sum_gn) / (float)C;
        float *d_x = l->d_x + row * C;
        for (int64_t j = 0; j < C; j += LANES) {
            const int64_t left = C - j;
            vf n = load_up_to(x + j, left) * r;
            vf d = r * (load_up_to(d_y + j, left) * load_up_to(l->gamma + j, left) - n * mean_gn);
            store_up_to(d_x + j, l->add_to_x ? load_up_to(d_x + j, left) + d : d, left);
        }
    }
}

#else

#define KERNEL_SOURCE "../ops/rmsnorm.c"
#include "each_instruction_set.h"

KERNEL_TABLE(rmsnorm_forward);
KERNEL_TABLE(rmsnorm_backward);

static int64_t blocks(int64_t rows) { return (rows + RMSNORM_BLOCK - 1) / RMSNORM_BLOCK; }

void gpt_rmsnorm_forward(
    gpt_execution execution, int64_t rows, int64_t columns, float epsilon, const float *x, const float *gamma, float *y,
    float *reciprocal_root) {
    rmsnorm l = {
        .rows = rows, .columns = columns, .epsilon = epsilon, .x = x, .gamma = gamma, .y = y,
        .reciprocal_root = reciprocal_root,
    };
    gpt_parallel(execution.threads, blocks(rows), rmsnorm_forward_table[execution.instruction_set], &l);
}

void gpt_rmsnorm_backward(
    gpt_execution execution, int64_t rows, int64_t columns, const float *d_y, const float *x, const float *gamma,
    const float *reciprocal_root, float *d_x, bool add_to_x, float *d_gamma, bool add_to_gamma) {
    rmsnorm l = {
        .rows = rows, .columns = columns, .x = x, .gamma = gamma, .d_y = d_y,
        .reciprocal_root = (float *)reciprocal_root, .d_x = d_x, .add_to_x = add_to_x,
        .partial = gpt_scratch(GPT_SCRATCH_SHARED, blocks(rows) * columns),
    };
    gpt_parallel(execution.threads, blocks(rows), rmsnorm_backward_table[execution.instruction_set], &l);
    add_partial_sums(l.partial, blocks(rows), columns, columns, d_gamma, add_to_gamma);
}

#endif
