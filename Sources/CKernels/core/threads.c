// A pool of threads that runs one job at a time. The items of a job are divided in advance: each thread has a
// contiguous range, its share, which is the same in every job. Items are mostly rows, so what a thread wrote in one op
// is in its own cache when it reads it in the next. (Between cores that share no cache, moving a cache line takes as
// long as reading memory.) A thread that has finished its own share takes items from the others (work stealing).
//
// The cost of a hand-off is the number of cache lines that move between cores one after another. So the caller writes
// all that a worker needs into one line, which the worker polls, and the worker reports in another. Taking an item is
// what joins a job. A finished share has no items left, so a worker that comes late, or never, is not waited for. A
// worker that has taken an item finds its job unchanged, because a job does not end before all of its items are
// reported.
//
// A worker without work spins for less than a millisecond (longer than the gap between two ops of a training step),
// then sleeps.

#include "threads.h"

#include "memory.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAXIMUM_WORKERS = 255, SPINS_BEFORE_YIELD = 2000, SPINS_BEFORE_SLEEP = 20000 };

#define LINE _Alignas(128)

// The items of the job for one thread.
typedef struct {
    LINE _Atomic uint64_t items;      // the next item | the end << 32
    _Atomic(void *) context;
    void (*body)(void *, int64_t);
    _Atomic int32_t threads;          // number of shares
} share;

typedef struct {
    LINE _Atomic int64_t done;        // items done since it was started; written by this worker only
    _Atomic bool is_asleep;
    pthread_cond_t wake;
} worker;

static struct {
    pthread_mutex_t in_use;    // held by the caller whose job is running
    pthread_mutex_t lock;      // for the condition variables of sleeping workers
    _Atomic int32_t started;   // workers started so far
    bool is_refused;           // the system refused to start another
    int32_t cores;
    int64_t done;              // items done by workers in all jobs that have ended
    share shares[MAXIMUM_WORKERS + 1];     // the caller's at 0, then those of the workers
    worker workers[MAXIMUM_WORKERS + 1];   // same indices; 0 is unused
} pool = {.in_use = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER};

static _Thread_local bool inside_job = false;

// One iteration of a loop that waits for another thread. It yields the core where the other thread may have none: there
// are more threads than cores, or the wait is unusually long.
static inline void wait_briefly(int32_t spins) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
    if ((spins & 63) == 0 && (spins > SPINS_BEFORE_YIELD || pool.started >= pool.cores)) sched_yield();
}

static inline uint64_t items(int64_t next, int64_t end) { return (uint64_t)end << 32 | (uint64_t)next; }

static inline bool has_items(uint64_t items) { return (uint32_t)items < items >> 32; }

// Runs the remaining items of a share; returns how many it ran.
static int64_t take_items(share *from) {
    int64_t done = 0;
    while (has_items(atomic_load_explicit(&from->items, memory_order_relaxed))) {
        // Prefetched now, it arrives while the line of the share is being acquired for writing.
        __builtin_prefetch(atomic_load_explicit(&from->context, memory_order_relaxed));
        const uint64_t taken = atomic_fetch_add_explicit(&from->items, 1, memory_order_acquire);
        if (!has_items(taken)) break;
        from->body(atomic_load_explicit(&from->context, memory_order_relaxed), (uint32_t)taken);
        done += 1;
    }
    return done;
}

static void sleep_until_work(int32_t self) {
    pthread_mutex_lock(&pool.lock);
    atomic_store(&pool.workers[self].is_asleep, true);
    while (!has_items(atomic_load(&pool.shares[self].items))) pthread_cond_wait(&pool.workers[self].wake, &pool.lock);
    atomic_store(&pool.workers[self].is_asleep, false);
    pthread_mutex_unlock(&pool.lock);
}

static void *work(void *number) {
    const int32_t self = (int32_t)(intptr_t)number;
    share *own = &pool.shares[self];
    int64_t all = 0;
    inside_job = true;
    for (;;) {
        for (int32_t spins = 1; !has_items(atomic_load_explicit(&own->items, memory_order_relaxed)); spins++) {
            wait_briefly(spins);
            if (spins < SPINS_BEFORE_SLEEP) continue;
            sleep_until_work(self);
            spins = 0;
        }
        const int32_t threads = atomic_load_explicit(&own->threads, memory_order_relaxed);
        for (int32_t i = 0; i < threads; i++) {
            const int64_t done = take_items(&pool.shares[(self + i) % threads]);
            if (done == 0) continue;
            all += done;
            atomic_store_explicit(&pool.workers[self].done, all, memory_order_release);
        }
    }
    return NULL;
}

static void start_workers(int32_t wanted) {
    if (pool.cores == 0) pool.cores = (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
    while (pool.started < wanted && !pool.is_refused) {
        const int32_t number = pool.started + 1;
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attributes, 1 << 21);
        pthread_cond_init(&pool.workers[number].wake, NULL);
        pthread_t thread;
        int failed = pthread_create(&thread, &attributes, work, (void *)(intptr_t)number);
        pthread_attr_destroy(&attributes);
        // Fewer threads do the same work. Trying again in every job would cost more than a thread gains.
        if (failed) {
            pool.is_refused = true;
            pthread_cond_destroy(&pool.workers[number].wake);
        } else {
            pool.started = number;
        }
    }
}

// Publishes the share of a thread. A worker that is just falling asleep may not be woken; then other threads run its
// items.
static void offer(int32_t thread, uint64_t items, int32_t threads, void (*body)(void *, int64_t), void *context) {
    share *to = &pool.shares[thread];
    to->body = body;
    atomic_store_explicit(&to->context, context, memory_order_relaxed);
    atomic_store_explicit(&to->threads, threads, memory_order_relaxed);
    atomic_store_explicit(&to->items, items, memory_order_release);
    worker *sleeper = &pool.workers[thread];
    if (!atomic_load_explicit(&sleeper->is_asleep, memory_order_relaxed)) return;
    pthread_mutex_lock(&pool.lock);
    pthread_cond_signal(&sleeper->wake);
    pthread_mutex_unlock(&pool.lock);
}

static int64_t done_by_workers(void) {
    int64_t done = 0;
    for (int32_t i = 1; i <= pool.started; i++)
        done += atomic_load_explicit(&pool.workers[i].done, memory_order_acquire);
    return done;
}

int32_t gpt_start_threads(int32_t threads) {
    if (threads > MAXIMUM_WORKERS) threads = MAXIMUM_WORKERS;
    pthread_mutex_lock(&pool.in_use);
    start_workers(threads - 1);
    pthread_mutex_unlock(&pool.in_use);
    return pool.started + 1 < threads ? pool.started + 1 : threads;
}

void gpt_parallel(int32_t threads, int64_t count, void (*body)(void *, int64_t), void *context) {
    if (threads > MAXIMUM_WORKERS) threads = MAXIMUM_WORKERS;
    if (threads > count) threads = (int32_t)count;
    if (threads <= 1 || count > INT32_MAX || inside_job || pthread_mutex_trylock(&pool.in_use) != 0) {
        for (int64_t i = 0; i < count; i++) body(context, i);
        return;
    }
    start_workers(threads - 1);
    // The caller's first item is not offered, so that the caller can run it without reading any shared line.
    for (int32_t i = threads - 1; i >= 0; i--)
        offer(i, items(count * i / threads + (i == 0), count * (i + 1) / threads), threads, body, context);
    inside_job = true;
    body(context, 0);
    int64_t done = 1;
    for (int32_t i = 0; i < threads; i++) done += take_items(&pool.shares[i]);
    inside_job = false;
    pool.done += count - done;
    for (int32_t spins = 1; done_by_workers() != pool.done; spins += spins < INT32_MAX) wait_briefly(spins);
    pthread_mutex_unlock(&pool.in_use);
}

typedef struct {
    float *start[GPT_SCRATCH_SLOTS];
    int64_t floats[GPT_SCRATCH_SLOTS];
} scratch;

static pthread_key_t scratch_key;
static pthread_once_t scratch_once = PTHREAD_ONCE_INIT;

static void release_scratch(void *pointer) {
    scratch *mine = pointer;
    for (int32_t slot = 0; slot < GPT_SCRATCH_SLOTS; slot++) free(mine->start[slot]);
    free(mine);
}

static void make_scratch_key(void) { pthread_key_create(&scratch_key, release_scratch); }

float *gpt_scratch(int32_t slot, int64_t floats) {
    pthread_once(&scratch_once, make_scratch_key);
    scratch *mine = pthread_getspecific(scratch_key);
    if (!mine) {
        mine = calloc(1, sizeof *mine);
        if (!mine) gpt_out_of_memory(sizeof *mine);
        pthread_setspecific(scratch_key, mine);
    }
    if (mine->floats[slot] < floats) {
        const size_t bytes = (size_t)floats * sizeof(float);
        free(mine->start[slot]);
        mine->start[slot] = gpt_allocate(bytes);
        if (!mine->start[slot]) gpt_out_of_memory(bytes);
        mine->floats[slot] = floats;
    }
    return mine->start[slot];
}
