#include "execution.h"

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
#elif defined(__aarch64__)
    case GPT_NEON:
        return true;
#endif
    default:
        return false;
    }
}
