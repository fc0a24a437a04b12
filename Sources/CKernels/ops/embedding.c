// Embedding: out[i] = scale tokens[ids[i]] + positions[position of row i]. In the backward pass two positions may have
// the same id, so the work is divided by columns, and each column is summed in the order of the rows.

#include "embedding.h"
#include "threads.h"

#ifndef SIMD

enum { ROWS = 64, COLUMNS = 64 };

typedef struct {
    int64_t rows, length, columns, offset;
    const int32_t *row_positions, *ids;
    float scale;
    const float *tokens, *positions, *d_out;
    float *out, *d_tokens, *d_positions;
} GPT_CONTEXT embedding;

static inline int64_t position_of(const embedding *e, int64_t row) {
    return e->row_positions ? e->row_positions[row] : row % e->length + e->offset;
}

#endif

#ifdef SIMD

static void NAME(embedding_forward)(void *context, int64_t item) {
    const embedding *e = context;
    const int64_t C = e->columns, end = (item + 1) * ROWS < e->rows ? (item + 1) * ROWS : e->rows;
    for (int64_t i = item * ROWS; i < end; i++) {
        const float *token = e->tokens + e->ids[i] * C;
        const float *position = e->positions ? e->positions + position_of(e, i) * C : NULL;
        float *out = e->out + i * C;
        if (position)
            for (int64_t j = 0; j < C; j += LANES)
                store_up_to(
                    out + j, load_up_to(token + j, C - j) * e->scale + load_up_to(position + j, C - j), C - j);
        else
            for (int64_t j = 0; j < C; j += LANES) store_up_to(out + j, load_up_to(token + j, C - j) * e->scale, C - j);
    }
}

static void NAME(embedding_backward)(void *context, int64_t item) {
    const embedding *e = context;
    const int64_t C = e->columns, first = item * COLUMNS, end = first + COLUMNS < C ? first + COLUMNS : C;
    for (int64_t i = 0; i < e->rows; i++) {
        const float *d_out = e->d_out + i * C;
        float *d_token = e->d_tokens && e->ids[i] >= 0 ? e->d_tokens + e->ids[i] * C : NULL;
        float *d_position = e->d_positions ? e->d_positions + position_of(e, i) * C : NULL;
        for (int64_t j = first; j < end; j += LANES) {
            const int64_t left = end - j;
            vf d = load_up_to(d_out + j, left);
            if (d_token) store_up_to(d_token + j, d * e->scale + load_up_to(d_token + j, left), left);
            if (d_position) store_up_to(d_position + j, load_up_to(d_position + j, left) + d, left);
        }
    }
}

#else

#define KERNEL_SOURCE "../ops/embedding.c"
#include "each_instruction_set.h"

KERNEL_TABLE(embedding_forward);
KERNEL_TABLE(embedding_backward);

void gpt_embedding_forward(
    gpt_execution execution, int64_t rows, int64_t length, int64_t columns, int64_t offset, const int32_t *row_positions,
    const int32_t *ids, float scale, const float *tokens, const float *positions, float *out) {
    embedding e = {
        .rows = rows, .length = length, .columns = columns, .offset = offset, .row_positions = row_positions,
        .ids = ids, .scale = scale, .tokens = tokens, .positions = positions, .out = out,
    };
    gpt_parallel(
        execution.threads, (rows + ROWS - 1) / ROWS, embedding_forward_table[execution.instruction_set], &e);
}

void gpt_embedding_backward(
    gpt_execution execution, int64_t rows, int64_t length, int64_t columns, int64_t offset, const int32_t *row_positions,
    const int32_t *ids, float scale, const float *d_out, float *d_tokens, float *d_positions) {
    embedding e = {
        .rows = rows, .length = length, .columns = columns, .offset = offset, .row_positions = row_positions,
        .ids = ids, .scale = scale, .d_out = d_out, .d_tokens = d_tokens, .d_positions = d_positions,
    };
    gpt_parallel(
        execution.threads, (columns + COLUMNS - 1) / COLUMNS, embedding_backward_table[execution.instruction_set], &e);
}

#endif
