// The vectors of the kernels: `vf` holds LANES floats, `vu` and `vi` as many 32-bit integers.
//
// They are the compiler's own vector types, so + - * / and comparisons are operators, and a * b + c written in one
// expression becomes one fused instruction where there is one. Included once per instruction set (see
// each_instruction_set.h); with LANES 1 a vector is a plain float, which makes the scalar kernels.

#include <math.h>
#include <stdint.h>
#include <string.h>

#ifndef ALWAYS_INLINE
#define ALWAYS_INLINE static inline __attribute__((always_inline, unused))
#endif

#ifndef GPT_PAIR_OF
#define GPT_PAIR_OF

// Two floats rounded to bfloat16, as a pair in one word; see the end of this file.
static inline float pair_of(float even, float odd) {
    const float halves[2] = {even, odd};
    uint32_t bits[2];
    memcpy(bits, halves, sizeof bits);
    for (int i = 0; i < 2; i++)
        bits[i] = halves[i] == halves[i] ? bits[i] + 0x7fffu + ((bits[i] >> 16) & 1u) : (bits[i] | 0x400000u);
    const uint32_t pair = (bits[1] & 0xffff0000u) | bits[0] >> 16;
    float word;
    memcpy(&word, &pair, sizeof word);
    return word;
}

#endif

#define vf NAME(vf)
#define vi NAME(vi)
#define vu NAME(vu)
#define load NAME(load)
#define load_part NAME(load_part)
#define store NAME(store)
#define store_part NAME(store_part)
#define load_up_to NAME(load_up_to)
#define store_up_to NAME(store_up_to)
#define splat NAME(splat)
#define first_lanes NAME(first_lanes)
#define sum NAME(sum)
#define largest NAME(largest)
#define vmax NAME(vmax)
#define bits_of NAME(bits_of)
#define floats_of NAME(floats_of)
#define select_positive NAME(select_positive)
#define transpose NAME(transpose)
#define vexp NAME(vexp)
#define vlogistic NAME(vlogistic)
#define reciprocal NAME(reciprocal)
#define load_some NAME(load_some)
#define store_some NAME(store_some)
#define spread_pairs NAME(spread_pairs)
#define bfloat16_of NAME(bfloat16_of)
#define pairs NAME(pairs)
#define neighbours NAME(neighbours)
#define dot_pairs NAME(dot_pairs)

#if LANES == 1
typedef float vf;
typedef int32_t vi;
typedef uint32_t vu;
#else
typedef float vf __attribute__((ext_vector_type(LANES)));
typedef int32_t vi __attribute__((ext_vector_type(LANES)));
typedef uint32_t vu __attribute__((ext_vector_type(LANES)));
#endif

ALWAYS_INLINE vf load(const float *p) {
    vf v;
    memcpy(&v, p, sizeof v);
    return v;
}

ALWAYS_INLINE void store(float *p, vf v) { memcpy(p, &v, sizeof v); }

#if LANES == 8
// All bits of the first n of 8 lanes. 0 < n < 8.
ALWAYS_INLINE __m256i first_of_8(int64_t n) {
    static const int32_t masks[16] = {-1, -1, -1, -1, -1, -1, -1, -1};
    return _mm256_loadu_si256((const __m256i *)(masks + 8 - n));
}
#endif

// The first n floats at p, zeros above. 0 < n < LANES.
ALWAYS_INLINE vf load_part(const float *p, int64_t n) {
#if LANES == 16
    return (vf)_mm512_maskz_loadu_ps((__mmask16)((1u << n) - 1), p);
#elif LANES == 8
    return (vf)_mm256_maskload_ps(p, first_of_8(n));
#else
    float all[LANES] = {0};
    for (int64_t i = 0; i < n; i++) all[i] = p[i];
    return load(all);
#endif
}

ALWAYS_INLINE void store_part(float *p, vf v, int64_t n) {
#if LANES == 16
    _mm512_mask_storeu_ps(p, (__mmask16)((1u << n) - 1), (__m512)v);
#elif LANES == 8
    _mm256_maskstore_ps(p, first_of_8(n), (__m256)v);
#else
    float all[LANES];
    store(all, v);
    for (int64_t i = 0; i < n; i++) p[i] = all[i];
#endif
}

// As load and store, for a vector that may be the last of its row: only `left` floats exist when left < LANES.
ALWAYS_INLINE vf load_up_to(const float *p, int64_t left) { return left >= LANES ? load(p) : load_part(p, left); }

ALWAYS_INLINE void store_up_to(float *p, vf v, int64_t left) {
    if (left >= LANES) store(p, v);
    else store_part(p, v, left);
}

ALWAYS_INLINE vf splat(float x) { return (vf)(x); }

// The same where the whole vector may be past the end of its row.
ALWAYS_INLINE vf load_some(const float *p, int64_t left) { return left > 0 ? load_up_to(p, left) : splat(0); }

ALWAYS_INLINE void store_some(float *p, vf v, int64_t left) {
    if (left > 0) store_up_to(p, v, left);
}

// The first n lanes of v, and `other` in the rest. 0 < n < LANES.
ALWAYS_INLINE vf first_lanes(vf v, int64_t n, float other) {
#if LANES == 16
    return (vf)_mm512_mask_blend_ps((__mmask16)((1u << n) - 1), (__m512)splat(other), (__m512)v);
#elif LANES == 8
    return (vf)_mm256_blendv_ps((__m256)splat(other), (__m256)v, _mm256_castsi256_ps(first_of_8(n)));
#else
    float all[LANES];
    store(all, v);
    for (int64_t i = n; i < LANES; i++) all[i] = other;
    return load(all);
#endif
}

// The sum of the lanes, by halves: a fixed order for a given instruction set.
ALWAYS_INLINE float sum(vf v) {
    float lanes[LANES];
    store(lanes, v);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
    return lanes[0];
}

ALWAYS_INLINE float largest(vf v) {
    float lanes[LANES];
    store(lanes, v);
    for (int half = LANES / 2; half > 0; half /= 2)
        for (int i = 0; i < half; i++) lanes[i] = lanes[i] > lanes[i + half] ? lanes[i] : lanes[i + half];
    return lanes[0];
}

ALWAYS_INLINE vf vmax(vf a, vf b) { return a > b ? a : b; }

ALWAYS_INLINE vu bits_of(vf v) {
    vu bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

ALWAYS_INLINE vf floats_of(vu bits) {
    vf v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

// Two vectors interleaved, a0 b0 a1 b1 ...: the lower and the upper half.
#if LANES == 16
#define interleave_low(a, b) \
    __builtin_shufflevector(a, b, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23)
#define interleave_high(a, b) \
    __builtin_shufflevector(a, b, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31)
#elif LANES == 8
#define interleave_low(a, b) __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11)
#define interleave_high(a, b) __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15)
#elif LANES == 4
#define interleave_low(a, b) __builtin_shufflevector(a, b, 0, 4, 1, 5)
#define interleave_high(a, b) __builtin_shufflevector(a, b, 2, 6, 3, 7)
#else
#define interleave_low(a, b) (a)
#define interleave_high(a, b) (b)
#endif

// Transposes LANES vectors in place. Interleaving the first half of the rows with the second, log2(LANES) times, takes
// the element at (i, j) to (j, i): each time one bit of the row number moves to the column number.
ALWAYS_INLINE void transpose(vf rows[LANES]) {
#pragma clang loop unroll(full)
    for (int stage = 1; stage < LANES; stage *= 2) {
        vf next[LANES];
#pragma clang loop unroll(full)
        for (int i = 0; i < LANES / 2; i++) {
            next[2 * i] = interleave_low(rows[i], rows[i + LANES / 2]);
            next[2 * i + 1] = interleave_high(rows[i], rows[i + LANES / 2]);
        }
#pragma clang loop unroll(full)
        for (int i = 0; i < LANES; i++) rows[i] = next[i];
    }
}

// a where x > 0, else b.
ALWAYS_INLINE vf select_positive(vf x, vf a, vf b) { return x > 0 ? a : b; }

// exp(x), largest relative error below 2e-7. x = n ln 2 + r with |r| <= ln 2 / 2; exp(r) by its series to the seventh
// term, the scale 2^n by an instruction or assembled from bits. Below -87.3 the result is the smallest normal float
// rather than a denormal one, above 88 it saturates near the largest float; neither matters to softmax, which subtracts
// the maximum. Not from libm, so that results do not depend on the system's.
ALWAYS_INLINE vf vexp(vf x) {
    const float round = 12582912.0f;    // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
    x = x < -87.3f ? splat(-87.3f) : x;
    x = x > 88.0f ? splat(88.0f) : x;
    vf shifted = x * 1.44269504088896341f + round;
    vf n = shifted - round;
    vf r = x - n * 0.693145751953125f;
    r = r - n * 1.428606765330187e-6f;
    vf p = r * 1.9841269841e-4f + 1.3888888889e-3f;
    p = p * r + 8.3333333333e-3f;
    p = p * r + 4.1666666667e-2f;
    p = p * r + 1.6666666667e-1f;
    p = p * r + 0.5f;
    p = p * (r * r) + r;
#if LANES == 16
    return (vf)_mm512_scalef_ps((__m512)(p + 1.0f), (__m512)n);
#else
    vu power = (bits_of(shifted) << 23) + 0x3f800000u;
    return (p + 1.0f) * floats_of(power);
#endif
}

// 1 / x for x from 1 to the largest float, to within two units in the last place. Division has a single slow
// execution unit; an estimate and two multiplications can use all units.
ALWAYS_INLINE vf reciprocal(vf x) {
#if LANES == 16
    vf guess = (vf)_mm512_rcp14_ps((__m512)x);
    return guess + guess * (1.0f - x * guess);
#else
    return 1.0f / x;
#endif
}

// 1 / (1 + exp(-x)).
ALWAYS_INLINE vf vlogistic(vf x) { return reciprocal(1.0f + vexp(-x)); }

// bfloat16 is the upper half of a float. It is stored in pairs, and multiplied in pairs where there are instructions for
// that: each 32-bit lane of a vf holds two numbers, the one with the lower index in the lower half.

// Each float rounded to the nearest bfloat16, to even between two, in the upper half of its lane; the lower half is 0.
ALWAYS_INLINE vu bfloat16_of(vf x) {
    vu bits = bits_of(x);
    vu rounded = bits + 0x7fffu + ((bits >> 16) & 1u);
    // The addition would carry some NaNs into infinity.
    rounded = x == x ? rounded : (bits | 0x400000u);
    return rounded & 0xffff0000u;
}

// Lane i holds the pair of even[i] and odd[i].
ALWAYS_INLINE vf pairs(vf even, vf odd) {
#if defined(HAS_BFLOAT16) && LANES == 16
    const __m512i order = _mm512_set_epi16(
        31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16,
        0);
    return (vf)_mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh((__m512)odd, (__m512)even));
#else
    return floats_of(bfloat16_of(odd) | bfloat16_of(even) >> 16);
#endif
}

// The pairs of 2 LANES consecutive floats, given as first and second half.
ALWAYS_INLINE vf neighbours(vf first, vf second) {
#if defined(HAS_BFLOAT16) && LANES == 16
    return (vf)_mm512_cvtne2ps_pbh((__m512)second, (__m512)first);
#elif LANES == 16
    return pairs(
        __builtin_shufflevector(first, second, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30),
        __builtin_shufflevector(first, second, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31));
#elif LANES == 8
    return pairs(
        __builtin_shufflevector(first, second, 0, 2, 4, 6, 8, 10, 12, 14),
        __builtin_shufflevector(first, second, 1, 3, 5, 7, 9, 11, 13, 15));
#elif LANES == 4
    return pairs(
        __builtin_shufflevector(first, second, 0, 2, 4, 6), __builtin_shufflevector(first, second, 1, 3, 5, 7));
#else
    return pairs(first, second);
#endif
}

// The inverse of `neighbours`: the 2 LANES consecutive floats of a vector of pairs.
ALWAYS_INLINE void spread_pairs(vf words, vf *first, vf *second) {
    vf even = floats_of(bits_of(words) << 16), odd = floats_of(bits_of(words) & 0xffff0000u);
#if LANES == 1
    *first = even, *second = odd;
#else
    *first = interleave_low(even, odd), *second = interleave_high(even, odd);
#endif
}

#ifdef HAS_BFLOAT16

// sum + the products of both halves of each pair.
ALWAYS_INLINE vf dot_pairs(vf sum, vf a, vf b) {
#if LANES == 16
    return (vf)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
#else
    float32x4_t s;
    bfloat16x8_t x, y;
    memcpy(&s, &sum, sizeof s);
    memcpy(&x, &a, sizeof x);
    memcpy(&y, &b, sizeof y);
    s = vbfdotq_f32(s, x, y);
    memcpy(&sum, &s, sizeof sum);
    return sum;
#endif
}

#endif
