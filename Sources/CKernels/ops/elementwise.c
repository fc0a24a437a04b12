// Elementwise arithmetic, bound by memory bandwidth, in chunks of a few thousand floats.

#include "elementwise.h"
#include "matmul.h"
#include "threads.h"

#ifndef SIMD

enum { CHUNK = 8192, COLUMNS = 64 };

typedef struct {
    int64_t count, columns;
    int32_t activation;
    const float *a, *b;
    float *out;
    bool add;
} GPT_CONTEXT elementwise;

#endif

#ifdef SIMD

#include "activation.h"

static void NAME(add)(void *context, int64_t chunk) {
    const elementwise *e = context;
    const int64_t end = (chunk + 1) * CHUNK < e->count ? (chunk + 1) * CHUNK : e->count;
    for (int64_t i = chunk * CHUNK; i < end; i += LANES)
        store_up_to(e->out + i, load_up_to(e->a + i, end - i) + load_up_to(e->b + i, end - i), end - i);
}

static void NAME(activation_forward)(void *context, int64_t chunk) {
    const elementwise *e = context;
    const int64_t end = (chunk + 1) * CHUNK < e->count ? (chunk + 1) * CHUNK : e->count;
    for (int64_t i = chunk * CHUNK; i < end; i += LANES)
        store_up_to(e->out + i, NAME(activate)(e->activation, load_up_to(e->a + i, end - i)), end - i);
}

static void NAME(activation_backward)(void *context, int64_t chunk) {
    const elementwise *e = context;
    const int64_t end = (chunk + 1) * CHUNK < e->count ? (chunk + 1) * CHUNK : e->count;
    for (int64_t i = chunk * CHUNK; i < end; i += LANES) {
        vf value, slope = NAME(derivative)(e->activation, load_up_to(e->b + i, end - i), &value);
        vf d = load_up_to(e->a + i, end - i) * slope;
        store_up_to(e->out + i, e->add ? load_up_to(e->out + i, end - i) + d : d, end - i);
    }
}

// Each item sums a few columns over all rows, in the rows' order.
static void NAME(column_sums)(void *context, int64_t item) {
    const elementwise *e = context;
    const int64_t end = (item + 1) * COLUMNS < e->columns ? (item + 1) * COLUMNS : e->columns;
    float *out = e->out;
    if (!e->add)
        for (int64_t j = item * COLUMNS; j < end; j++) out[j] = 0;
    if (end - item * COLUMNS == COLUMNS) {
        vf totals[COLUMNS / LANES];
        for (int v = 0; v < COLUMNS / LANES; v++) totals[v] = load(out + item * COLUMNS + v * LANES);
        for (int64_t row = 0; row < e->count; row++)
            for (int v = 0; v < COLUMNS / LANES; v++)
                totals[v] += load(e->a + row * e->columns + item * COLUMNS + v * LANES);
        for (int v = 0; v < COLUMNS / LANES; v++) store(out + item * COLUMNS + v * LANES, totals[v]);
    } else {
        for (int64_t row = 0; row < e->count; row++)
            for (int64_t j = item * COLUMNS; j < end; j++) out[j] += e->a[row * e->columns + j];
    }
}

#else

#define KERNEL_SOURCE "../ops/elementwise.c"
#include "each_instruction_set.h"

KERNEL_TABLE(add);
KERNEL_TABLE(activation_forward);
KERNEL_TABLE(activation_backward);
KERNEL_TABLE(column_sums);

void gpt_add(gpt_execution execution, int64_t count, const float *a, const float *b, float *out) {
    elementwise e = {.count = count, .a = a, .b = b, .out = out};
    gpt_parallel(execution.threads, (count + CHUNK - 1) / CHUNK, add_table[execution.instruction_set], &e);
}

void gpt_activation_forward(
    gpt_execution execution, int32_t activation, int64_t count, const float *x, float *out) {
    elementwise e = {.count = count, .activation = activation, .a = x, .out = out};
    gpt_parallel(
        execution.threads, (count + CHUNK - 1) / CHUNK, activation_forward_table[execution.instruction_set], &e);
}

void gpt_activation_backward(
    gpt_execution execution, int32_t activation, int64_t count, const float *d_y, const float *x, float *d_x, bool add) {
    elementwise e = {.count = count, .activation = activation, .a = d_y, .b = x, .out = d_x, .add = add};
    gpt_parallel(
        execution.threads, (count + CHUNK - 1) / CHUNK, activation_backward_table[execution.instruction_set], &e);
}

void gpt_column_sums(gpt_execution execution, int64_t rows, int64_t columns, const float *x, float *out, bool add) {
    elementwise e = {.count = rows, .columns = columns, .a = x, .out = out, .add = add};
    if (rows * columns < 2 * CHUNK) execution.threads = 1;
    gpt_parallel(
        execution.threads, (columns + COLUMNS - 1) / COLUMNS, column_sums_table[execution.instruction_set], &e);
}

#endif
