// The layout of packed weights (see gemv.h), for the code that packs them and the code that multiplies by them.
//
// Included once for the layout, and by kernel files within each_instruction_set.h once more for the vectors.

#ifndef GPT_PACKED_WEIGHT_H
#define GPT_PACKED_WEIGHT_H

#include "at_most.h"
#include "gemv.h"

static inline int64_t panels_of(int64_t n) { return (n + GPT_PANEL - 1) / GPT_PANEL; }

static inline int64_t blocks_of(int64_t k) { return (k + GPT_SCALE_BLOCK - 1) / GPT_SCALE_BLOCK; }

// Rows of scales and rows of numbers both have GPT_PANEL elements. Rows of integers come in pairs.
static inline int64_t panel_bytes(int32_t weight, int64_t k) {
    return GPT_PANEL * (weight == GPT_WEIGHT_INT8 ? (k + 1) / 2 * 2 + 2 * blocks_of(k) : 2 * k);
}

// The bytes from one whole block of a panel to the next.
static inline int64_t block_bytes(int32_t weight) { return panel_bytes(weight, GPT_SCALE_BLOCK); }

static inline int64_t scale_bytes(int32_t weight) { return weight == GPT_WEIGHT_INT8 ? 2 * GPT_PANEL : 0; }

#endif

#ifdef SIMD

// widen: LANES numbers in bfloat16 as floats. widen_pairs: 2 LANES 8-bit integers as LANES pairs of 16-bit ones, the
// first in the lower half. multiply_pairs: the sums of the two products of such pairs. floats_from: 32-bit integers as
// floats.
#if LANES == 1

ALWAYS_INLINE vf NAME(widen)(const char *p) {
    uint16_t half;
    memcpy(&half, p, sizeof half);
    return floats_of((vu)half << 16);
}

ALWAYS_INLINE vi NAME(widen_pairs)(const char *p) {
    const int8_t *q = (const int8_t *)p;
    return (vi)((uint32_t)(uint16_t)q[0] | (uint32_t)q[1] << 16);
}

ALWAYS_INLINE vf NAME(floats_from)(vi x) { return (float)x; }

#else

typedef uint16_t NAME(halves) __attribute__((ext_vector_type(LANES)));
typedef int8_t NAME(bytes) __attribute__((ext_vector_type(2 * LANES)));
typedef int16_t NAME(shorts) __attribute__((ext_vector_type(2 * LANES)));

ALWAYS_INLINE vf NAME(widen)(const char *p) {
    NAME(halves) h;
    memcpy(&h, p, sizeof h);
    return floats_of(__builtin_convertvector(h, vu) << 16);
}

ALWAYS_INLINE vi NAME(widen_pairs)(const char *p) {
    NAME(bytes) b;
    memcpy(&b, p, sizeof b);
    return (vi)__builtin_convertvector(b, NAME(shorts));
}

ALWAYS_INLINE vf NAME(floats_from)(vi x) { return __builtin_convertvector(x, vf); }

#endif

ALWAYS_INLINE vi NAME(multiply_pairs)(vi a, vi b) {
#if LANES == 16
    return (vi)_mm512_madd_epi16((__m512i)a, (__m512i)b);
#elif LANES == 8
    return (vi)_mm256_madd_epi16((__m256i)a, (__m256i)b);
#else
    return (vi)((vu)a << 16) / 65536 * ((vi)((vu)b << 16) / 65536) + (a >> 16) * (b >> 16);
#endif
}

// Rounds to bfloat16, stored as floats.
ALWAYS_INLINE void NAME(round_all)(const float *x, float *rounded, int64_t count) {
    for (int64_t i = 0; i < count; i += LANES)
        store_up_to(rounded + i, floats_of(bfloat16_of(load_up_to(x + i, count - i))), count - i);
}

#endif
