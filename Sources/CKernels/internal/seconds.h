#ifndef GPT_SECONDS_H
#define GPT_SECONDS_H

#include <time.h>

// Seconds of the monotonic clock, which is never set.
static inline double seconds_now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

#endif
