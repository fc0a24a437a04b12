// Rows of a table, looked up by id.
#ifndef GPT_EMBEDDING_H
#define GPT_EMBEDDING_H

#include "execution.h"

// out[i] = scale tokens[ids[i]] + positions[p] for i in 0..<rows, where p is row_positions[i] or, if that is NULL,
// (i mod length) + offset; positions may be NULL.
void gpt_embedding_forward(
    gpt_execution execution, int64_t rows, int64_t length, int64_t columns, int64_t offset, const int32_t *row_positions,
    const int32_t *ids, float scale, const float *tokens, const float *positions, float *out);

// Adds scale d_out to the rows of d_tokens, and d_out to those of d_positions, that it came from, in order of i. A row
// without an id (below 0) is left out of d_tokens. Either may be NULL.
void gpt_embedding_backward(
    gpt_execution execution, int64_t rows, int64_t length, int64_t columns, int64_t offset, const int32_t *row_positions,
    const int32_t *ids, float scale, const float *d_out, float *d_tokens, float *d_positions);

#endif
