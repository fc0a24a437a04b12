// One job at a time. Its items are dealt out beforehand, a range of neighbours to each thread, the same range in every job:
// items are mostly rows, so what a thread has written in one op lies in its own cache when it reads it in the next. (Between
// cores that share no cache, a line takes as long as from memory.) A thread that has done its own takes from the others.
// A worker that has nothing to do spins for some tens of microseconds (the gap between two ops of a training step), then
// sleeps.

#include "threads.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

enum { MAXIMUM_WORKERS = 255, SPINS_BEFORE_YIELD = 2000, SPINS_BEFORE_SLEEP = 20000 };

#define LINE _Alignas(128)

typedef struct {
    void (*body)(void *, int64_t);
    void *context;
    int32_t threads;
} job;

// The items of one thread, in a cache line of its own.
typedef struct {
    LINE _Atomic int64_t next;
    int64_t end;
} share;

static struct {
    pthread_mutex_t in_use;    // held by the caller whose job has the pool
    pthread_mutex_t lock;      // guards the sleep of the workers
    pthread_cond_t wake;
    _Atomic int32_t workers;   // threads started so far
    int32_t cores;
    _Atomic int32_t sleeping;
    // What is written at each job, or waited for, lies in cache lines apart from what is only read.
    LINE job job;
    LINE _Atomic uint64_t ticket;   // job number << 8 | the workers that may join it: those whose number is at most this
    LINE _Atomic int32_t busy;      // workers inside the job
    share shares[MAXIMUM_WORKERS + 1];
} pool = {.in_use = PTHREAD_MUTEX_INITIALIZER, .lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

static _Thread_local bool inside_job = false;

// One turn of a loop that waits for another thread. Where that thread may be without a core, because there are more
// threads than cores or because it has been waited for unusually long, the core is offered to it.
static inline void wait_briefly(int32_t spins) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
    if ((spins & 63) == 0 && (spins > SPINS_BEFORE_YIELD || pool.workers >= pool.cores)) sched_yield();
}

// Does the items of thread `self`, then what is left of those of the next threads.
static void take_items(int32_t self) {
    const job job = pool.job;
    for (int32_t i = 0; i < job.threads; i++) {
        share *from = &pool.shares[(self + i) % job.threads];
        while (atomic_load_explicit(&from->next, memory_order_relaxed) < from->end) {
            const int64_t item = atomic_fetch_add_explicit(&from->next, 1, memory_order_relaxed);
            if (item < from->end) job.body(job.context, item);
        }
    }
}

// Whether there is a job that worker `self` may join, other than the last one it did.
static inline bool is_wanted(uint64_t ticket, int32_t self, uint64_t last) {
    return (int32_t)(ticket & 0xff) >= self && ticket >> 8 != last;
}

// Joins the job, if it may. Its number is kept in `last`. The caller closes the ticket before it looks whether anyone is
// busy, and a worker says that it is busy before it looks at the ticket once more: so one of them sees the other.
static bool join_job(int32_t self, uint64_t *last) {
    const uint64_t ticket = atomic_load_explicit(&pool.ticket, memory_order_acquire);
    if (!is_wanted(ticket, self, *last)) return false;
    atomic_fetch_add(&pool.busy, 1);
    if (atomic_load(&pool.ticket) == ticket) {
        *last = ticket >> 8;
        return true;
    }
    atomic_fetch_sub(&pool.busy, 1);
    return false;
}

static void *work(void *number) {
    const int32_t self = (int32_t)(intptr_t)number;
    uint64_t last = 0;
    inside_job = true;
    for (;;) {
        int32_t spins = 0;
        while (!join_job(self, &last)) {
            if (++spins < SPINS_BEFORE_SLEEP) {
                wait_briefly(spins);
                continue;
            }
            pthread_mutex_lock(&pool.lock);
            atomic_fetch_add(&pool.sleeping, 1);
            while (!is_wanted(atomic_load(&pool.ticket), self, last)) pthread_cond_wait(&pool.wake, &pool.lock);
            atomic_fetch_sub(&pool.sleeping, 1);
            pthread_mutex_unlock(&pool.lock);
            spins = 0;
        }
        take_items(self);
        atomic_fetch_sub_explicit(&pool.busy, 1, memory_order_acq_rel);
    }
    return NULL;
}

static void start_workers(int32_t wanted) {
    if (pool.cores == 0) pool.cores = (int32_t)sysconf(_SC_NPROCESSORS_ONLN);
    while (pool.workers < wanted) {
        pthread_attr_t attributes;
        pthread_attr_init(&attributes);
        pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
        pthread_attr_setstacksize(&attributes, 1 << 21);
        pthread_t thread;
        int failed = pthread_create(&thread, &attributes, work, (void *)(intptr_t)(pool.workers + 1));
        pthread_attr_destroy(&attributes);
        if (failed) return;    // fewer threads do the same work
        pool.workers += 1;
    }
}

void gpt_parallel(int32_t threads, int64_t count, void (*body)(void *, int64_t), void *context) {
    if (threads > MAXIMUM_WORKERS) threads = MAXIMUM_WORKERS;
    if (threads > count) threads = (int32_t)count;
    if (threads <= 1 || inside_job || pthread_mutex_trylock(&pool.in_use) != 0) {
        for (int64_t i = 0; i < count; i++) body(context, i);
        return;
    }
    start_workers(threads - 1);
    pool.job = (job){body, context, threads};
    for (int32_t i = 0; i < threads; i++) {
        pool.shares[i].end = count * (i + 1) / threads;
        atomic_store_explicit(&pool.shares[i].next, count * i / threads, memory_order_relaxed);
    }
    const uint64_t number = (atomic_load_explicit(&pool.ticket, memory_order_relaxed) >> 8) + 1;
    atomic_store(&pool.ticket, number << 8 | (uint64_t)(threads - 1));
    if (atomic_load(&pool.sleeping) > 0) {
        pthread_mutex_lock(&pool.lock);
        pthread_cond_broadcast(&pool.wake);
        pthread_mutex_unlock(&pool.lock);
    }
    inside_job = true;
    take_items(0);
    inside_job = false;
    // No worker may join any more; then wait for those that did.
    atomic_store(&pool.ticket, number << 8);
    for (int32_t spins = 1; atomic_load(&pool.busy) > 0; spins++) wait_briefly(spins);
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
        if (!mine) abort();
        pthread_setspecific(scratch_key, mine);
    }
    if (mine->floats[slot] < floats) {
        free(mine->start[slot]);
        void *start = NULL;
        if (posix_memalign(&start, 64, (size_t)floats * sizeof(float)) != 0) abort();
        mine->start[slot] = start;
        mine->floats[slot] = floats;
    }
    return mine->start[slot];
}
