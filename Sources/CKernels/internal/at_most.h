#ifndef GPT_AT_MOST_H
#define GPT_AT_MOST_H

#include <stdint.h>

static inline int64_t at_most(int64_t x, int64_t limit) { return x < limit ? x : limit; }

#endif
