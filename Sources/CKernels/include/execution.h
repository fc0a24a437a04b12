// How a kernel runs: with which instruction set, on how many threads.
//
// Every kernel has a gpt_execution parameter. The same instruction set gives the same bits on any number of threads,
// because work is divided by the shape of the data alone and each output element is summed in a fixed order.
#ifndef GPT_EXECUTION_H
#define GPT_EXECUTION_H

#include <stdbool.h>
#include <stdint.h>

typedef enum {
    GPT_SCALAR = 0,
    GPT_AVX2 = 1,
    GPT_AVX512 = 2,
    GPT_AVX512_BFLOAT16 = 3,
    GPT_NEON = 4,
    GPT_NEON_BFLOAT16 = 5,
} gpt_instruction_set;

// What the factors of a product are rounded to before they are multiplied. Sums are floats in both.
typedef enum {
    GPT_FLOAT32 = 0,
    GPT_BFLOAT16 = 1,
} gpt_precision;

typedef struct {
    int32_t instruction_set;
    int32_t threads;
} gpt_execution;

// Whether this machine can run the kernels of an instruction set.
bool gpt_supports(int32_t instruction_set);

#endif
