// Fused scaled dot-product attention of several heads: only a block of rows of the scores is in memory at a time.
#ifndef GPT_ATTENTION_H
#define GPT_ATTENTION_H

#include "execution.h"

typedef enum { GPT_MASK_CAUSAL = 0, GPT_MASK_FULL = 1 } gpt_mask;

// A tensor (batch, row, head, size): its address and strides in floats. Each vector is contiguous.
typedef struct {
    float *start;
    int64_t batch, row, head;
} gpt_heads;

// The keys and values of a sequence in a key/value cache: those of `past` positions before the queries, and those of the
// queries. The strides are those of k and v.
typedef struct {
    float *keys, *values;
    int64_t past;
} gpt_cached_sequence;

// All sequences of a batch have the same number of queries and of keys; or, with `starts`, their rows follow one another
// without padding, and the strides between batches are not read.
typedef struct {
    int64_t batch, heads, size;
    int64_t queries, keys;     // of each sequence; with starts, of the longest
    const int64_t *query_starts, *key_starts;   // the first row of each sequence, and the number of all rows: batch + 1
                               // numbers. NULL where all sequences are equally long
    const gpt_cached_sequence *cached;   // the keys and values of each sequence in a cache, in place of k.start and
                               // v.start; `keys` is then the largest number of keys. NULL without a cache
    int64_t kv_heads;          // heads of keys and values; a divisor of heads. Each serves heads / kv_heads query heads
    int32_t mask;
    int32_t precision;         // gpt_precision, to which the factors of all products are rounded
    float scale;               // of the scores, 1 / sqrt(size)
    const float *slopes;       // one for each head, or NULL: slope |i - j| is subtracted from the scaled score of the
                               // query at position i and the key at position j
    gpt_heads q, k, v, out;
    float *rounded;            // for each sequence and head of keys and values: the queries of the heads that share it, the
                               // keys and the values in bfloat16, each vector in whole words. Forward writes them, backward
                               // reads them instead of q, k and v. NULL if not wanted; requires that precision
    float *statistics;         // for each sequence, head and query: maximum and 1 / sum of the softmax, for backward; or NULL
} gpt_attention;

void gpt_attention_forward(gpt_execution execution, const gpt_attention *attention);

// The same for the few queries of a step of generation, without a backward pass: keys and values are read in place.
void gpt_attention_few(gpt_execution execution, const gpt_attention *attention);

// The destination of a gradient, assigned or, with `add`, added. No gradient is computed if at.start is NULL.
typedef struct {
    gpt_heads at;
    bool add;
} gpt_heads_gradient;

// Gradients of q, k, v from d_out. Those of shared keys and values are summed over their query heads, in order.
void gpt_attention_backward(
    gpt_execution execution, const gpt_attention *attention, gpt_heads d_out, gpt_heads_gradient d_q,
    gpt_heads_gradient d_k, gpt_heads_gradient d_v);

#endif
