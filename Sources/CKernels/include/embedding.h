// Rows of a table, looked up by id.
#ifndef GPT_EMBEDDING_H
#define GPT_EMBEDDING_H

#include "execution.h"

// out[i] = tokens[ids[i]] + positions[(i mod length) + offset] for i in 0..<rows; positions may be NULL.
void gpt_embedding_forward(
    gpt_execution execution, int64_t rows, int64_t length, int64_t columns, int64_t offset, const int32_t *ids,
    const float *tokens, const float *positions, float *out);

// Adds d_out to the rows of d_tokens and d_positions they came from, in order of i. Either may be NULL.
void gpt_embedding_backward(
    gpt_execution execution, int64_t rows, int64_t length, int64_t columns, int64_t offset, const int32_t *ids,
    const float *d_out, float *d_tokens, float *d_positions);

#endif
