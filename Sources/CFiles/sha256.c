// SHA-256 with the SHA instructions of the processor: about five times as fast as the plain rounds in SHA256.swift.
// Both families compute four rounds and four words of the message schedule at a time; w has the last sixteen words.

#include "CFiles.h"

#if defined(__x86_64__)

#include <cpuid.h>
#include <immintrin.h>

bool gpt_has_sha256(void) {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_SSSE3) || !(c & bit_SSE4_1)) return false;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (b & (1u << 29));
}

// The instructions have the state in two vectors, in the order f e b a and h g d c.
__attribute__((target("sha,ssse3,sse4.1")))
void gpt_sha256(uint32_t *state, const uint8_t *blocks, size_t count, const uint32_t *constants) {
    const __m128i big_endian = _mm_set_epi64x(0x0c0d0e0f08090a0bll, 0x0405060700010203ll);
    __m128i cdab = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)state), 0xb1);
    __m128i efgh = _mm_shuffle_epi32(_mm_loadu_si128((const __m128i *)(state + 4)), 0x1b);
    __m128i feba = _mm_alignr_epi8(cdab, efgh, 8), hgdc = _mm_blend_epi16(efgh, cdab, 0xf0);
    for (; count > 0; count--, blocks += 64) {
        const __m128i feba_before = feba, hgdc_before = hgdc;
        __m128i w[4];
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; i++) {
            __m128i *now = w + i % 4, last = w[(i + 3) % 4];
            if (i < 4) {
                *now = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)blocks + i), big_endian);
            } else {
                __m128i sum = _mm_sha256msg1_epu32(*now, w[(i + 1) % 4]);
                sum = _mm_add_epi32(sum, _mm_alignr_epi8(last, w[(i + 2) % 4], 4));
                *now = _mm_sha256msg2_epu32(sum, last);
            }
            __m128i input = _mm_add_epi32(*now, _mm_loadu_si128((const __m128i *)constants + i));
            hgdc = _mm_sha256rnds2_epu32(hgdc, feba, input);
            feba = _mm_sha256rnds2_epu32(feba, hgdc, _mm_shuffle_epi32(input, 0x0e));
        }
        feba = _mm_add_epi32(feba, feba_before);
        hgdc = _mm_add_epi32(hgdc, hgdc_before);
    }
    const __m128i abef = _mm_shuffle_epi32(feba, 0x1b), ghcd = _mm_shuffle_epi32(hgdc, 0xb1);
    _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(abef, ghcd, 0xf0));
    _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(ghcd, abef, 8));
}

#elif defined(__aarch64__)

#include <arm_neon.h>
#if defined(__linux__)
#include <sys/auxv.h>
#endif

bool gpt_has_sha256(void) {
#if defined(__APPLE__)
    return true;
#elif defined(__linux__)
    return getauxval(AT_HWCAP) & (1 << 6);    // HWCAP_SHA2
#else
    return false;
#endif
}

__attribute__((target("sha2")))
void gpt_sha256(uint32_t *state, const uint8_t *blocks, size_t count, const uint32_t *constants) {
    uint32x4_t abcd = vld1q_u32(state), efgh = vld1q_u32(state + 4);
    for (; count > 0; count--, blocks += 64) {
        const uint32x4_t abcd_before = abcd, efgh_before = efgh;
        uint32x4_t w[4];
#pragma clang loop unroll(full)
        for (int i = 0; i < 16; i++) {
            uint32x4_t *now = w + i % 4;
            if (i < 4) *now = vreinterpretq_u32_u8(vrev32q_u8(vld1q_u8(blocks + 16 * i)));
            else *now = vsha256su1q_u32(vsha256su0q_u32(*now, w[(i + 1) % 4]), w[(i + 2) % 4], w[(i + 3) % 4]);
            const uint32x4_t input = vaddq_u32(*now, vld1q_u32(constants + 4 * i)), abcd_now = abcd;
            abcd = vsha256hq_u32(abcd, efgh, input);
            efgh = vsha256h2q_u32(efgh, abcd_now, input);
        }
        abcd = vaddq_u32(abcd, abcd_before);
        efgh = vaddq_u32(efgh, efgh_before);
    }
    vst1q_u32(state, abcd);
    vst1q_u32(state + 4, efgh);
}

#else

bool gpt_has_sha256(void) { return false; }

void gpt_sha256(uint32_t *state, const uint8_t *blocks, size_t count, const uint32_t *constants) {
    (void)state, (void)blocks, (void)count, (void)constants;
}

#endif
