// The peak rates of the machine, to compare those of the kernels with.
#ifndef GPT_PEAK_H
#define GPT_PEAK_H

#include "execution.h"

// The multiply-add rate of `threads` cores together, in FLOP/s, with factors of the given precision, measured for about
// `seconds`: the upper bound for gpt_matmul_run.
double gpt_peak_flops(gpt_execution execution, int32_t precision, double seconds);

// The rate at which `threads` cores together read memory, in bytes per second: the best of the passes over a buffer of
// about `bytes` that fit in `seconds`, at least one. 0 if the buffer cannot be allocated.
double gpt_peak_bandwidth(gpt_execution execution, int64_t bytes, double seconds);

#endif
