#ifndef GPT_PARTIAL_SUMS_H
#define GPT_PARTIAL_SUMS_H

#include <stdbool.h>
#include <stdint.h>

// to (columns) = or += the sum of `count` rows of partial, which are `stride` apart, in their order. Nothing if `to` is
// NULL.
static inline void add_partial_sums(
    const float *partial, int64_t count, int64_t stride, int64_t columns, float *to, bool add) {
    if (!to) return;
    for (int64_t j = 0; j < columns; j++) {
        float total = add ? to[j] : 0;
        for (int64_t i = 0; i < count; i++) total += partial[i * stride + j];
        to[j] = total;
    }
}

#endif
