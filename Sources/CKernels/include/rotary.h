// Rotary position embedding of queries and keys.
#ifndef GPT_ROTARY_H
#define GPT_ROTARY_H

#include "execution.h"

// x and out are (rows, heads, size), row r at position row_positions[r] or, if that is NULL, (r mod length) + offset. The
// table has a row for each position: size / 2 cosines, then as many sines. Elements j and j + size / 2 of a head are
// rotated by angle j, or by its negative with `inverse`. The result is assigned or, with `add`, added.
void gpt_rotary(
    gpt_execution execution, int64_t rows, int64_t length, int64_t heads, int64_t size, int64_t offset,
    const int32_t *row_positions, const float *x, const float *table, bool inverse, float *out, bool add);

#endif
