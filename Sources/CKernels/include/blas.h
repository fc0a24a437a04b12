// Matrix products by the system's BLAS: Accelerate on Apple platforms, the only way to their matrix units.
#ifndef GPT_BLAS_H
#define GPT_BLAS_H

#include "execution.h"
#include "matmul.h"

// Whether the system has such a library.
bool gpt_has_blas(void);

// The same as gpt_matmul_run, by the library in float32, and by our kernels where there is no library or it does not
// support the product. The library chooses its number of threads and guarantees no order of summation: the bits may
// change from one release of the system to the next.
void gpt_matmul_run_by_blas(gpt_execution execution, const gpt_matmul *matmul);

#endif
