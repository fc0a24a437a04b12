// Arrays for the kernels, each with a page after it that can be neither read nor written.

#include "driver.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { MOST_BLOCKS = 4096 };

static struct {
    void *start;
    size_t bytes;
} blocks[MOST_BLOCKS];

static int64_t count_of_blocks = 0;

float *guarded(int64_t count) {
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = (size_t)count * sizeof(float);
    const size_t used = (bytes + page - 1) / page * page;
    char *start = mmap(NULL, used + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED || count_of_blocks == MOST_BLOCKS) die("out of memory for %lld floats", (long long)count);
    mprotect(start + used, page, PROT_NONE);
    blocks[count_of_blocks].start = start;
    blocks[count_of_blocks++].bytes = used + page;
    return memset(start + used - bytes, 0xff, bytes);
}

float *guarded_copy(const float *from, int64_t count) {
    return memcpy(guarded(count), from, (size_t)count * sizeof(float));
}

void *shared_memory(size_t bytes) {
    void *start = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) die("out of memory for %zu bytes", bytes);
    return start;
}

void release_guarded(void) {
    while (count_of_blocks > 0) {
        count_of_blocks--;
        munmap(blocks[count_of_blocks].start, blocks[count_of_blocks].bytes);
    }
}
