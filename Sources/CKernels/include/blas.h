// Matrix products by the system's own library: Accelerate, on Apple's platforms, which reaches matrix units that no other
// program can.
#ifndef GPT_BLAS_H
#define GPT_BLAS_H

#include "execution.h"
#include "matmul.h"

// Whether the system has such a library.
bool gpt_has_blas(void);

// As gpt_matmul_run in 32-bit floats; by the kernels here where there is no library, or where it has no word for what is
// asked. The library decides by itself how many threads it takes, and promises no order of summation: the bits may change
// from one release of the system to the next.
void gpt_matmul_run_by_blas(gpt_execution execution, const gpt_matmul *matmul);

#endif
