#include "execution.h"

#if defined(__aarch64__)

#if defined(__APPLE__)
#include <sys/sysctl.h>
#elif defined(__linux__)
#include <sys/auxv.h>
#endif

// Whether the processor has instructions for bfloat16, as the system reports it.
static bool has_bfloat16(void) {
#if defined(__APPLE__)
    int has = 0;
    size_t size = sizeof has;
    return sysctlbyname("hw.optional.arm.FEAT_BF16", &has, &size, 0, 0) == 0 && has;
#elif defined(__linux__)
    return getauxval(AT_HWCAP2) & (1 << 14);    // HWCAP2_BF16
#else
    return false;
#endif
}

#endif

bool gpt_supports(int32_t instruction_set) {
    switch (instruction_set) {
    case GPT_SCALAR:
        return true;
#if defined(__x86_64__)
    case GPT_AVX2:
        return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    case GPT_AVX512:
        return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw")
            && __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
    case GPT_AVX512_BFLOAT16:
        return gpt_supports(GPT_AVX512) && __builtin_cpu_supports("avx512bf16");
#elif defined(__aarch64__)
    case GPT_NEON:
        return true;
    case GPT_NEON_BFLOAT16:
        return has_bfloat16();
#endif
    default:
        return false;
    }
}
