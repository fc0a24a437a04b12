// The kernels: what Swift has no word for. Each header says what its kernels compute.
#ifndef GPT_CKERNELS_H
#define GPT_CKERNELS_H

#include "adamw.h"
#include "attention.h"
#include "blas.h"
#include "crossentropy.h"
#include "dropout.h"
#include "elementwise.h"
#include "embedding.h"
#include "execution.h"
#include "layernorm.h"
#include "matmul.h"
#include "matvec.h"
#include "memory.h"
#include "peak.h"
#include "rmsnorm.h"
#include "rotary.h"
#include "sampling.h"
#include "threads.h"

#endif
