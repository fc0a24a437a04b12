// y = act(x W + bias) factor + residual for few rows of x: what generation does with every weight for every token. It costs
// what reading the weights costs, so they are read once, as one stream, in the precision they are kept in.
#ifndef GPT_MATVEC_H
#define GPT_MATVEC_H

#include "execution.h"

// How a weight W (k, n) lies in memory.
//
// Floats are used where they lie. Packed weights are in panels of GPT_PANEL columns, the last one filled with zeros;
// a panel has its k rows of GPT_PANEL numbers one after another, so that it is read as one stream. bfloat16 is a float's
// upper half, rounded to nearest even. With int8 each block of GPT_SCALE_BLOCK rows is preceded by a scale for each of its
// columns, in bfloat16, and an element is its integer (-127 ... 127) times the scale of its block. Integers of two rows lie
// side by side, column by column; an odd last row has zeros beside it.
typedef enum { GPT_WEIGHT_FLOAT32 = 0, GPT_WEIGHT_BFLOAT16 = 1, GPT_WEIGHT_INT8 = 2 } gpt_weight;

enum { GPT_PANEL = 64, GPT_SCALE_BLOCK = 32 };

// The size of a packed W, scales included.
int64_t gpt_packed_bytes(int32_t weight, int64_t k, int64_t n);

// Packs W, whose element (p, j) is at w[p row + j column]; one of the two strides is 1.
void gpt_pack_weight(
    gpt_execution execution, int32_t weight, int64_t k, int64_t n, const float *w, int64_t row, int64_t column,
    void *packed);

// The inverse: the numbers that a packed W stands for, as (k, n) floats row by row.
void gpt_unpack_weight(gpt_execution execution, int32_t weight, int64_t k, int64_t n, const void *packed, float *w);

typedef struct {
    int64_t m, n, k;
    const float *x;          // (m, k)
    int32_t weight;          // gpt_weight
    const void *w;           // (k, n)
    int64_t row, column;     // of float32: its strides in floats, one of them 1
    const float *bias;       // (n), or NULL
    int32_t activation;      // gpt_activation, applied after the bias
    const float *factor;     // (m, n), multiplied by after the activation, or NULL
    const float *residual;   // (m, n), added last, or NULL
    float *y;                // (m, n)
} gpt_matvec;

// With bfloat16, x is rounded like the weights; products are summed in float32. With int8, x is rounded to integers of 16 bits
// with a scale for each block of GPT_SCALE_BLOCK, an error of 1.5e-5 of the block's largest at most beside that of the weights,
// which is 4e-3; products are summed exactly within a block.
void gpt_matvec_run(gpt_execution execution, const gpt_matvec *matvec);

#endif
