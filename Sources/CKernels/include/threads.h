// A pool of threads whose hand-off costs microseconds.
#ifndef GPT_THREADS_H
#define GPT_THREADS_H

#include <stddef.h>
#include <stdint.h>

// Calls body(context, i) once for every i in 0..<count, on at most `threads` threads including the caller, and returns
// when all items are done. Each thread begins with its own contiguous range of items, the same in every job, so
// dividing data alike in all jobs keeps it in the same caches. But any thread may run any item, in any order: items
// must not write to the same memory. Concurrent calls are allowed (one gets the pool, the others run their items
// themselves), and so are nested calls (the inner one runs on its caller).
void gpt_parallel(int32_t threads, int64_t count, void (*body)(void *context, int64_t i), void *context);

// Starts threads so that jobs can run on `threads` threads, including the caller, and returns the number of threads there
// are. It is smaller if the system refuses to start one (a limit of processes or of memory); jobs then run on those.
int32_t gpt_start_threads(int32_t threads);

// For the type of a context: puts it in cache lines of its own. Otherwise it would share lines with the rest of the
// caller's stack, which changes all the time, and every read by another thread would move the line between cores.
#define GPT_CONTEXT __attribute__((aligned(128)))

// Scratch memory of the calling thread, valid until its next request of the same slot, aligned to 64 bytes. Contents
// are undefined. It grows to the largest request and is released with the thread.
enum {
    GPT_SCRATCH_SHARED, GPT_SCRATCH_FIRST_HALF, GPT_SCRATCH_SECOND_HALF, GPT_SCRATCH_PACK, GPT_SCRATCH_OPERATION,
    GPT_SCRATCH_SLOTS
};
float *gpt_scratch(int32_t slot, int64_t floats);

#endif
