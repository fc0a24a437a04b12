// The rate at which memory is read: the sum of a buffer that no cache holds, and nothing else.

#include "peak.h"
#include "seconds.h"
#include "threads.h"

#include <stdlib.h>

#ifndef SIMD

// Pieces are long, so that little time goes into beginning them. A piece is read as several streams side by side, each
// asked for a kilobyte ahead: one stream of plain loads leaves a tenth of the rate unused.
enum { PIECE = 1 << 22, STREAMS = 4, AHEAD = 256 };

typedef struct {
    float *start;
    float *sums;    // one of each piece, so that no compiler leaves out the reading
} GPT_CONTEXT buffer;

#endif

#ifdef SIMD

static void NAME(touch)(void *context, int64_t i) {
    float *piece = ((const buffer *)context)->start + i * PIECE;
    for (int64_t j = 0; j < PIECE; j += LANES) store(piece + j, splat(1));
}

static void NAME(read)(void *context, int64_t i) {
    const buffer *b = context;
    const float *piece = b->start + i * PIECE;
    vf sums[STREAMS];
    for (int s = 0; s < STREAMS; s++) sums[s] = splat(0);
    for (int64_t j = 0; j < PIECE / STREAMS; j += LANES)
#pragma clang loop unroll(full)
        for (int s = 0; s < STREAMS; s++) {
            const float *at = piece + s * (PIECE / STREAMS) + j;
            __builtin_prefetch(at + AHEAD);
            sums[s] += load(at);
        }
    vf all = splat(0);
    for (int s = 0; s < STREAMS; s++) all += sums[s];
    b->sums[i] = sum(all);
}

#else

#define KERNEL_SOURCE "../measure/bandwidth.c"
#include "each_instruction_set.h"

KERNEL_TABLE(touch);
KERNEL_TABLE(read);

double gpt_peak_bandwidth(gpt_execution execution, int64_t bytes, double seconds) {
    const int64_t piece_bytes = PIECE * (int64_t)sizeof(float);
    const int64_t pieces = bytes < piece_bytes ? 1 : bytes / piece_bytes;
    void *start = NULL;
    if (posix_memalign(&start, 64, (size_t)(pieces * piece_bytes)) != 0) return 0;
    buffer b = {start, gpt_scratch(GPT_SCRATCH_OPERATION, pieces)};
    gpt_parallel(execution.threads, pieces, touch_table[execution.instruction_set], &b);
    double best = 0;
    const double end = seconds_now() + seconds;
    do {
        const double begin = seconds_now();
        gpt_parallel(execution.threads, pieces, read_table[execution.instruction_set], &b);
        const double rate = (double)(pieces * piece_bytes) / (seconds_now() - begin);
        if (rate > best) best = rate;
    } while (seconds_now() < end);
    free(start);
    return best;
}

#endif
