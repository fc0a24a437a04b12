// A pool of threads whose hand-off costs microseconds.
#ifndef GPT_THREADS_H
#define GPT_THREADS_H

#include <stddef.h>
#include <stdint.h>

// Calls body(context, i) once for every i in 0..<count, on at most `threads` threads, the caller among them, and returns
// when all are done. Each thread begins with its share of neighbouring items, the same in every job, so it pays to cut data
// alike in all of them; but any thread may do any item, in any order: a body must write to places of its own.
// Calls from several threads at once are allowed (one gets the pool, the others run their items themselves), and so
// are nested calls (the inner one runs on its caller).
void gpt_parallel(int32_t threads, int64_t count, void (*body)(void *context, int64_t i), void *context);

// Starts the threads that jobs of `threads` threads need, the caller among them, and returns how many there are: fewer where
// the system refuses to start one (a limit of processes or of memory). Jobs then run on those.
int32_t gpt_start_threads(int32_t threads);

// On the type of a context: it then has cache lines of its own. On the stack of the caller it would share them with what
// the caller changes all the time, and every look at it would cost another thread the way from cache to cache.
#define GPT_CONTEXT __attribute__((aligned(128)))

// Memory for the calling thread's use until its next request of the same slot, aligned to 64 bytes. Contents are
// undefined. It grows to the largest request and is released with the thread.
enum {
    GPT_SCRATCH_SHARED, GPT_SCRATCH_FIRST_HALF, GPT_SCRATCH_SECOND_HALF, GPT_SCRATCH_PACK, GPT_SCRATCH_OPERATION,
    GPT_SCRATCH_SLOTS
};
float *gpt_scratch(int32_t slot, int64_t floats);

#endif
