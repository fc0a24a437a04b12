// Dropout from counter-based random numbers: the mask is a function of a key and an element's index, and is never
// stored.
#ifndef GPT_DROPOUT_H
#define GPT_DROPOUT_H

#include "execution.h"

// out (or, with `add`, out +) = x / (1 - rate) where kept, else 0. The number at (row, column) is word (column / 16)
// mod 4 of Philox4x32-10 at counter ((column / 64) 16 + column mod 16, low and high half of first_row + row, 0) under
// `key`; the element is kept where it is at least rate 2^32.
void gpt_dropout(
    gpt_execution execution, int64_t rows, int64_t columns, uint64_t first_row, uint64_t key, float rate,
    const float *x, float *out, bool add);

#endif
