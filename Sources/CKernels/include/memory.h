// Memory for tensors and kernels, and what happens where there is none.
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

// `bytes` bytes, aligned to 64, for free() to release; NULL where there are none.
void *gpt_allocate(size_t bytes);

// Ends the process because `bytes` bytes could not be allocated. An op has no way to report an error, and no caller could
// go on without its result.
_Noreturn void gpt_out_of_memory(size_t bytes);

// Sets what gpt_out_of_memory calls first: to clean up, to explain, and to end the process with a status of its own. A
// second thread that runs out of memory meanwhile waits; where the handler itself does, the process ends at once. Without a
// handler, or where it returns, gpt_out_of_memory writes a line to standard error and aborts.
void gpt_on_out_of_memory(void (*handler)(size_t bytes));

// Whether a handler is set.
bool gpt_handles_out_of_memory(void);

// Tells the address sanitizer that a block is in nobody's use, or in use again. Does nothing in other builds.
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

#endif
