// Kernels in C with explicit vectors. Each header documents what its kernels compute.
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
#include "gemv.h"
#include "layernorm.h"
#include "matmul.h"
#include "memory.h"
#include "muon.h"
#include "peak.h"
#include "rmsnorm.h"
#include "rotary.h"
#include "sampling.h"
#include "threads.h"

#endif
