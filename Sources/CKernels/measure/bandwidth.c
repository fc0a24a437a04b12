// The rate at which memory is read: sums a buffer that is larger than any cache.

#include "peak.h"
#include "seconds.h"
#include "threads.h"

#include <stdlib.h>

#ifndef SIMD

// Chunks are long, so that starting one takes little of the time. A chunk is read as several streams side by side, each
// prefetched a kilobyte ahead: one stream of plain loads leaves a tenth of the rate unused.
enum { CHUNK = 1 << 22, STREAMS = 4, AHEAD = 256 };

typedef struct {
    float *start;
    float *sums;    // one per chunk, so that the compiler cannot remove the reads
} GPT_CONTEXT buffer;

#endif

#ifdef SIMD

static void NAME(touch)(void *context, int64_t i) {
    float *chunk = ((const buffer *)context)->start + i * CHUNK;
    for (int64_t j = 0; j < CHUNK; j += LANES) store(chunk + j, splat(1));
}

static void NAME(read)(void *context, int64_t i) {
    const buffer *b = context;
    const float *chunk = b->start + i * CHUNK;
    vf sums[STREAMS];
    for (int s = 0; s < STREAMS; s++) sums[s] = splat(0);
    for (int64_t j = 0; j < CHUNK / STREAMS; j += LANES)
#pragma clang loop unroll(full)
        for (int s = 0; s < STREAMS; s++) {
            const float *at = chunk + s * (CHUNK / STREAMS) + j;
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
    const int64_t chunk_bytes = CHUNK * (int64_t)sizeof(float);
    const int64_t chunks = bytes < chunk_bytes ? 1 : bytes / chunk_bytes;
    void *start = NULL;
    if (posix_memalign(&start, 64, (size_t)(chunks * chunk_bytes)) != 0) return 0;
    buffer b = {start, gpt_scratch(GPT_SCRATCH_OPERATION, chunks)};
    gpt_parallel(execution.threads, chunks, touch_table[execution.instruction_set], &b);
    double best = 0;
    const double end = seconds_now() + seconds;
    do {
        const double begin = seconds_now();
        gpt_parallel(execution.threads, chunks, read_table[execution.instruction_set], &b);
        const double rate = (double)(chunks * chunk_bytes) / (seconds_now() - begin);
        if (rate > best) best = rate;
    } while (seconds_now() < end);
    free(start);
    return best;
}

#endif
