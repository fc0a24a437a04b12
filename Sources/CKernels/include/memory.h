// Memory for tensors and kernels, and the end of a process that has none left.
#ifndef GPT_MEMORY_H
#define GPT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

#if !defined(__has_feature)
#define __has_feature(feature) 0
#endif
#if __has_feature(address_sanitizer)
#include <sanitizer/asan_interface.h>
#endif

// `bytes` bytes, aligned to 64, to be released with free(); NULL on failure.
void *gpt_allocate(size_t bytes);

// Ends the process because `bytes` bytes could not be allocated. An op cannot report an error, and no caller could
// continue without its result.
_Noreturn void gpt_out_of_memory(size_t bytes);

// Sets the function that gpt_out_of_memory calls first: to clean up, to print an error, and to end the process with a
// status of its own. A second thread that runs out of memory meanwhile waits; if the handler itself does, the process
// ends at once. Without a handler, or if it returns, gpt_out_of_memory writes a line to standard error and aborts.
void gpt_on_out_of_memory(void (*handler)(size_t bytes));

// Whether a handler is set.
bool gpt_handles_out_of_memory(void);

// Marks a block as unused, or as used again, for the address sanitizer. Does nothing in other builds.
static inline void gpt_poison(const void *block, size_t bytes) {
#if __has_feature(address_sanitizer)
    __asan_poison_memory_region(block, bytes);
#else
    (void)block, (void)bytes;
#endif
}

static inline void gpt_unpoison(const void *block, size_t bytes) {
#if __has_feature(address_sanitizer)
    __asan_unpoison_memory_region(block, bytes);
#else
    (void)block, (void)bytes;
#endif
}

// Report the locking and unlocking of a mutex to the thread sanitizer. Call them after a mutex of Swift's standard library was locked
// and before it is unlocked, if it protects memory that threads share. The sanitizer does not see such a mutex, because the standard
// library is not instrumented. In other builds these functions do nothing.
void gpt_did_lock(void *mutex);
void gpt_will_unlock(void *mutex);

#endif
