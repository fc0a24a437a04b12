// What the machine can do at the most, to hold against what the kernels reach.
#ifndef GPT_PEAK_H
#define GPT_PEAK_H

#include "execution.h"

// The multiply-add rate of `threads` cores together in floating-point operations a second, with factors of a precision,
// measured for about `seconds`: what gpt_matmul_run could reach if it did nothing else.
double gpt_peak_flops(gpt_execution execution, int32_t precision, double seconds);

#endif
