// What the machine can do at the most, to hold against what the kernels reach.
#ifndef GPT_PEAK_H
#define GPT_PEAK_H

#include "execution.h"

// The multiply-add rate of `threads` cores together in floating-point operations a second, with factors of a precision,
// measured for about `seconds`: what gpt_matmul_run could reach if it did nothing else.
double gpt_peak_flops(gpt_execution execution, int32_t precision, double seconds);

// The rate at which `threads` cores together read memory, in bytes a second: the best of the passes over a buffer of about
// `bytes` that fit in `seconds`, one at least. 0 where there is no memory for the buffer.
double gpt_peak_bandwidth(gpt_execution execution, int64_t bytes, double seconds);

#endif
