// A program may define malloc and the related functions itself, and the GNU C library then calls those (The GNU C
// Library Reference Manual, "Replacing malloc"). The functions here call the library's own and check the result. Other
// C libraries do not export theirs under a second name, and sanitizers replace malloc themselves: there nothing is
// replaced.

#define _GNU_SOURCE    // for program_invocation_short_name

#include "CAllocation.h"

#include "memory.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define HAS_SANITIZER 1
#endif
#endif

#if defined(__GLIBC__) && !defined(HAS_SANITIZER)

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t alignment, size_t size);

// Libraries allocate before the program has set its handler.
static _Noreturn void end_at_start(void) {
    const char *parts[] = {program_invocation_short_name, ": out of memory: the program cannot start; raise ulimit -v\n"};
    for (int i = 0; i < 2; i++) {
        if (write(STDERR_FILENO, parts[i], strlen(parts[i])) < 0) break;
    }
    _exit(1);
}

static void *checked(void *block, size_t size) {
    if (block || !size) return block;
    if (!gpt_handles_out_of_memory()) end_at_start();
    gpt_out_of_memory(size);
}

void *malloc(size_t size) { return checked(__libc_malloc(size), size); }

void *calloc(size_t count, size_t size) {
    size_t bytes;
    if (__builtin_mul_overflow(count, size, &bytes)) bytes = PTRDIFF_MAX;
    return checked(__libc_calloc(count, size), bytes);
}

void *realloc(void *block, size_t size) { return checked(__libc_realloc(block, size), size); }

void *memalign(size_t alignment, size_t size) { return checked(__libc_memalign(alignment, size), size); }

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **block, size_t alignment, size_t size) {
    if (alignment % sizeof(void *) != 0 || (alignment & (alignment - 1)) != 0 || alignment == 0) return EINVAL;
    *block = memalign(alignment, size);
    return 0;
}

#endif
