// Dropout. Forward and backward are the same product with the same mask, recomputed each time with Philox4x32-10
// (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", 2011). With the layout of the counters in dropout.h
// one evaluation fills whole vectors, and the mask is the same for every vector width.

#include "dropout.h"
#include "threads.h"

#ifndef SIMD

enum { ROWS = 16 };

typedef struct {
    int64_t rows, columns;
    uint64_t first_row, key;
    uint32_t threshold;
    float scale;
    const float *x;
    float *out;
    bool add;
} GPT_CONTEXT dropout;

#endif

#ifdef SIMD

#if LANES == 1
typedef uint64_t NAME(wide);
#define WIDEN(v) ((NAME(wide))(v))
#define NARROW(v) ((vu)(v))
#else
typedef uint64_t NAME(wide) __attribute__((ext_vector_type(LANES)));
#define WIDEN(v) __builtin_convertvector(v, NAME(wide))
#define NARROW(v) __builtin_convertvector(v, vu)
#endif

// Ten rounds on LANES counters at once.
ALWAYS_INLINE void NAME(philox)(vu c[4], uint32_t key0, uint32_t key1) {
    for (int round = 0; round < 10; round++) {
        NAME(wide) a = WIDEN(c[0]) * 0xD2511F53u, b = WIDEN(c[2]) * 0xCD9E8D57u;
        vu next0 = NARROW(b >> 32) ^ c[1] ^ key0;
        vu next2 = NARROW(a >> 32) ^ c[3] ^ key1;
        c[1] = NARROW(b);
        c[3] = NARROW(a);
        c[0] = next0;
        c[2] = next2;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
}

static void NAME(dropout)(void *context, int64_t item) {
    const dropout *d = context;
    const int64_t C = d->columns, end = (item + 1) * ROWS < d->rows ? (item + 1) * ROWS : d->rows;
    float indices[LANES];
    for (int i = 0; i < LANES; i++) indices[i] = (float)i;
#if LANES == 1
    const vu lane = (vu)indices[0];
#else
    const vu lane = __builtin_convertvector(load(indices), vu);
#endif
    for (int64_t row = item * ROWS; row < end; row++) {
        const uint64_t global = d->first_row + (uint64_t)row;
        for (int64_t block = 0; block * 64 < C; block++)
            for (int64_t sub = 0; sub < 16 && block * 64 + sub < C; sub += LANES) {
                vu c[4] = {
                    lane + (uint32_t)(block * 16 + sub), (vu)(uint32_t)global, (vu)(uint32_t)(global >> 32), (vu)(0u),
                };
                NAME(philox)(c, (uint32_t)d->key, (uint32_t)(d->key >> 32));
                for (int word = 0; word < 4; word++) {
                    const int64_t column = block * 64 + word * 16 + sub, left = C - column;
                    if (left <= 0) break;
                    const float *x = d->x + row * C + column;
                    float *out = d->out + row * C + column;
                    vf kept = load_up_to(x, left) * d->scale;
                    kept = c[word] >= d->threshold ? kept : splat(0);
                    store_up_to(out, d->add ? load_up_to(out, left) + kept : kept, left);
                }
            }
    }
}

#undef WIDEN
#undef NARROW

#else

#define KERNEL_SOURCE "../ops/dropout.c"
#include "each_instruction_set.h"

KERNEL_TABLE(dropout);

void gpt_dropout(
    gpt_execution execution, int64_t rows, int64_t columns, uint64_t first_row, uint64_t key, float rate,
    const float *x, float *out, bool add) {
    dropout d = {
        .rows = rows, .columns = columns, .first_row = first_row, .key = key,
        .threshold = (uint32_t)((double)rate * 4294967296.0), .scale = 1.0f / (1.0f - rate), .x = x, .out = out,
        .add = add,
    };
    gpt_parallel(execution.threads, (rows + ROWS - 1) / ROWS, dropout_table[execution.instruction_set], &d);
}

#endif
