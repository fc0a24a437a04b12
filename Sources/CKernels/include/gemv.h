// Products of one or a few vectors with a matrix (BLAS: gemv): y = act(x W + bias) factor + residual for few rows of x,
// as in generation, for every weight and token. Reading the weights takes the time, so they are read once, as one
// stream, in the precision they are stored in.
#ifndef GPT_GEMV_H
#define GPT_GEMV_H

#include "execution.h"

// The memory layout of a weight W (k, n).
//
// float32 is used in place. Packed weights are in panels of GPT_PANEL columns, the last one padded with zeros. A panel
// is its k rows of GPT_PANEL numbers in order, so that it is read as one stream. bfloat16 is the upper half of a float,
// rounded to nearest even. With int8 each block of GPT_SCALE_BLOCK rows is preceded by a scale for each column, in
// bfloat16, and an element is its integer (-127 ... 127) times the scale of its block and column. The integers of two
// rows are interleaved column by column; an odd last row is interleaved with zeros.
typedef enum { GPT_WEIGHT_FLOAT32 = 0, GPT_WEIGHT_BFLOAT16 = 1, GPT_WEIGHT_INT8 = 2 } gpt_weight;

enum { GPT_PANEL = 64, GPT_SCALE_BLOCK = 32 };

// The size of a packed W, scales included.
int64_t gpt_packed_bytes(int32_t weight, int64_t k, int64_t n);

// Packs W, whose element (p, j) is at w[p row + j column]; one of the two strides is 1.
void gpt_pack_weight(
    gpt_execution execution, int32_t weight, int64_t k, int64_t n, const float *w, int64_t row, int64_t column,
    void *packed);

// The inverse: the values of a packed W as (k, n) floats, row by row.
void gpt_unpack_weight(gpt_execution execution, int32_t weight, int64_t k, int64_t n, const void *packed, float *w);

typedef struct {
    int64_t m, n, k;
    const float *x;          // (m, k)
    int32_t weight;          // gpt_weight
    const void *w;           // (k, n)
    int64_t row, column;     // of float32: its strides in floats, one of them 1
    const float *bias;       // (n), or NULL
    int32_t activation;      // gpt_activation, applied after the bias
    const float *factor;     // (m, n), multiplied after the activation, or NULL
    const float *residual;   // (m, n), added last, or NULL
    float *y;                // (m, n)
} gpt_gemv;

// With bfloat16, x is rounded like the weights; products are summed in float32. With int8, x is quantized to 16-bit
// integers with a scale for each block of GPT_SCALE_BLOCK: an error of at most 1.5e-5 of the largest in the block,
// against 4e-3 for the weights. Products are summed exactly within a block.
void gpt_gemv_run(gpt_execution execution, const gpt_gemv *gemv);

#endif
