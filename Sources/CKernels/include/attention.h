// Scaled dot-product attention of several heads, fused: no more than a block of rows of the scores exists at a time.
#ifndef GPT_ATTENTION_H
#define GPT_ATTENTION_H

#include "execution.h"

typedef enum { GPT_MASK_CAUSAL = 0, GPT_MASK_FULL = 1 } gpt_mask;

// Where the vectors of a tensor (batch, row, head, size) lie: strides in floats, each vector contiguous.
typedef struct {
    float *start;
    int64_t batch, row, head;
} gpt_heads;

typedef struct {
    int64_t batch, heads, queries, keys, size;
    int64_t groups;            // of heads, each of which shares the keys and values of one head; they divide the heads
    int32_t mask;
    int32_t precision;         // gpt_precision, of the factors of all products
    int64_t offset;            // causal: query i sees keys 0 ... i + offset
    float scale;               // of the scores, 1 / sqrt(size)
    gpt_heads q, k, v, out;
    float *rounded;            // (batch, groups, heads of a group + 2, queries, words of a vector): queries, keys and values
                               // in bfloat16, written by forward, and read by backward instead of q, k and v; or NULL. Only
                               // with that precision, and as many keys as queries
    float *statistics;         // (batch, heads, queries, 2): what backward makes the softmax from; NULL if not wanted
} gpt_attention;

void gpt_attention_forward(gpt_execution execution, const gpt_attention *attention);

// The same for generation, where nothing will go back: of few queries the keys and values are read in place.
void gpt_attention_over_cache(gpt_execution execution, const gpt_attention *attention);

// Where a gradient goes: it is assigned, or added where `add` says so. Nowhere if the start is NULL.
typedef struct {
    gpt_heads at;
    bool add;
} gpt_heads_gradient;

// Gradients of q, k, v from d_out. Those of the keys and values of a group are summed over its heads in order.
void gpt_attention_backward(
    gpt_execution execution, const gpt_attention *attention, gpt_heads d_out, gpt_heads_gradient d_q,
    gpt_heads_gradient d_k, gpt_heads_gradient d_v);

#endif
