#include "memory.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#if __has_feature(thread_sanitizer)
#include <sanitizer/tsan_interface.h>
#endif

void *gpt_allocate(size_t bytes) {
    void *start = NULL;
    return posix_memalign(&start, 64, bytes) == 0 ? start : NULL;
}

static void (*_Atomic out_of_memory_handler)(size_t bytes) = NULL;
static atomic_flag is_ending = ATOMIC_FLAG_INIT;
static _Thread_local bool is_ending_here = false;

void gpt_on_out_of_memory(void (*handler)(size_t bytes)) { atomic_store(&out_of_memory_handler, handler); }

bool gpt_handles_out_of_memory(void) { return atomic_load(&out_of_memory_handler) != NULL; }

_Noreturn void gpt_out_of_memory(size_t bytes) {
    if (is_ending_here) _exit(1);
    while (atomic_flag_test_and_set(&is_ending)) pause();
    is_ending_here = true;
    void (*handler)(size_t) = atomic_load(&out_of_memory_handler);
    if (handler) handler(bytes);
    char line[80];
    const int length = snprintf(line, sizeof line, "out of memory: %zu bytes could not be allocated\n", bytes);
    if (write(STDERR_FILENO, line, (size_t)length) < 0) {}
    abort();
}

#if __has_feature(thread_sanitizer)
void gpt_did_lock(void *mutex) { __tsan_acquire(mutex); }
void gpt_will_unlock(void *mutex) { __tsan_release(mutex); }
#else
void gpt_did_lock(void *mutex) { (void)mutex; }
void gpt_will_unlock(void *mutex) { (void)mutex; }
#endif
