// Compiles a kernel file once for every instruction set of this processor family.
//
// A kernel file has two halves. Compiled directly, it defines KERNEL_SOURCE as its own name and includes this header,
// which includes the file again once per instruction set with SIMD defined. In those passes it defines the kernels,
// written with the vectors of simd.h. Its other half makes a table of the copies with KERNEL_TABLE and dispatches at
// run time. No compiler flag is needed, so the binary starts on any processor.

#include "execution.h"

#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#define GPT_PASTE_(a, b) a##_##b
#define GPT_PASTE(a, b) GPT_PASTE_(a, b)
// The copy of a function for the instruction set being compiled.
#define NAME(function) GPT_PASTE(function, SIMD)

#define SIMD scalar
#define LANES 1
#define VECTORS 2
#include "simd.h"
#include KERNEL_SOURCE
#include "simd_end.h"

#if defined(__x86_64__)

#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#define SIMD avx2
#define LANES 8
#define VECTORS 2
#include "simd.h"
#include KERNEL_SOURCE
#include "simd_end.h"
#pragma clang attribute pop

#pragma clang attribute push(__attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl"))), apply_to = function)
#define SIMD avx512
#define LANES 16
#define VECTORS 4
#include "simd.h"
#include KERNEL_SOURCE
#include "simd_end.h"
#pragma clang attribute pop

#pragma clang attribute push( \
    __attribute__((target("avx2,fma,avx512f,avx512bw,avx512dq,avx512vl,avx512bf16"))), apply_to = function)
#define SIMD avx512bf16
#define LANES 16
#define VECTORS 4
#define HAS_BFLOAT16
#include "simd.h"
#include KERNEL_SOURCE
#include "simd_end.h"
#undef HAS_BFLOAT16
#pragma clang attribute pop

#define KERNEL_TABLE(function) \
    static __typeof__(&function##_scalar) const function##_table[] = { \
        [GPT_SCALAR] = function##_scalar, [GPT_AVX2] = function##_avx2, [GPT_AVX512] = function##_avx512, \
        [GPT_AVX512_BFLOAT16] = function##_avx512bf16}

#elif defined(__aarch64__)

#define SIMD neon
#define LANES 4
#define VECTORS 4
#include "simd.h"
#include KERNEL_SOURCE
#include "simd_end.h"

#pragma clang attribute push(__attribute__((target("bf16"))), apply_to = function)
#define SIMD neonbf16
#define LANES 4
#define VECTORS 4
#define HAS_BFLOAT16
#include "simd.h"
#include KERNEL_SOURCE
#include "simd_end.h"
#undef HAS_BFLOAT16
#pragma clang attribute pop

#define KERNEL_TABLE(function) \
    static __typeof__(&function##_scalar) const function##_table[] = { \
        [GPT_SCALAR] = function##_scalar, [GPT_NEON] = function##_neon, [GPT_NEON_BFLOAT16] = function##_neonbf16}

#else

#define KERNEL_TABLE(function) \
    static __typeof__(&function##_scalar) const function##_table[] = {[GPT_SCALAR] = function##_scalar}

#endif
