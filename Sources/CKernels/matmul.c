// Matrix products: c = act(a b + bias), and what backward needs of them.
//
// Large ones go block by block. For each block of DEPTH rows of b and WIDTH columns: b is packed into panels (all
// threads together), then the grid of (block of rows of a) x (group of panels) is handed out. a is read in place when
// its rows are contiguous and packed in strips of six rows when it is read transposed. With few rows (generation, one
// token a sequence) packing would cost more than the product: there b is read in place, once.

#include "matmul.h"
#include "threads.h"

#ifndef SIMD

enum {
    BLOCK_ROWS = 96,    // rows of a that are multiplied while a panel of b is in cache
    DOTS = 32,          // columns of an item that is computed as dot products
};

// One block of b, and how the work on it is cut.
typedef struct {
    const gpt_matmul *m;
    float *packed;                       // panels of the block of b, each depth x its width
    int64_t first_k, depth;              // the block's rows of b
    int64_t first_column, columns;       // and its columns
    int64_t rows_per_block;
    int64_t panel_groups, panels_per_group, panels;
    bool first, last;                    // block of k
} matmul_block;

// Whether a is packed in strips before it is multiplied: where it is read transposed (a_row is 1 then), or changed on
// the way.
static inline bool must_pack(const gpt_matmul *m) { return m->a_column != 1 || m->a_activation != GPT_IDENTITY; }

#endif

#ifdef SIMD

#include "gemm_core.h"

#include "activation.h"

ALWAYS_INLINE bool NAME(has_epilogue)(const gpt_matmul *m) {
    return m->bias || m->before || m->slope_at || m->activation != GPT_IDENTITY;
}

// The epilogue of rows x columns of c at (row, column).
static void NAME(finish)(const gpt_matmul *m, int64_t row, int64_t rows, int64_t column, int64_t columns) {
    const float *bias = m->bias ? m->bias + column : NULL;
    for (int64_t r = row; r < row + rows; r++) {
        float *c = m->c + r * m->c_row + column;
        float *before = m->before ? m->before + r * m->n + column : NULL;
        const float *slope_at = m->slope_at ? m->slope_at + r * m->n + column : NULL;
        for (int64_t j = 0; j < columns; j += LANES) {
            const int64_t left = columns - j;
            vf x = load_up_to(c + j, left);
            if (bias) x += load_up_to(bias + j, left);
            if (before) store_up_to(before + j, x, left);
            x = NAME(activate)(m->activation, x);
            if (slope_at) x *= NAME(derivative)(m->slope, load_up_to(slope_at + j, left));
            store_up_to(c + j, x, left);
        }
    }
}

static void NAME(pack)(void *context, int64_t i) {
    const matmul_block *block = context;
    const gpt_matmul *m = block->m;
    const int64_t column = i * PANEL, left = block->columns - column;
    pack_panel(
        block->packed + column * block->depth,
        m->b + block->first_k * m->b_row + (block->first_column + column) * m->b_column, m->b_row, m->b_column,
        block->depth, left < PANEL ? left : PANEL);
}

// Packs some rows of an a that is read transposed: strips of TILE_ROWS rows, each with its columns one after another, so
// that a tile reads it as one stream. The activation, if any, is applied on the way.
static const float *NAME(pack_strips)(const gpt_matmul *m, const float *a, int64_t rows, int64_t depth) {
    float *packed = gpt_scratch(GPT_SCRATCH_PACK, (rows + TILE_ROWS) * depth);
    const int64_t whole = rows - rows % TILE_ROWS;
    float activated[BLOCK_ROWS];
    for (int64_t p = 0; p < depth; p++) {
        const float *from = a + p * m->a_column;
        if (m->a_activation != GPT_IDENTITY) {
            for (int64_t r = 0; r < rows; r += LANES) {
                vf x = NAME(activate)(m->a_activation, load_up_to(from + r, rows - r));
                store_up_to(activated + r, x, rows - r);
            }
            from = activated;
        }
        float *to = packed + p * TILE_ROWS;
        for (int64_t r = 0; r < whole; r += TILE_ROWS, to += TILE_ROWS * depth)
            for (int s = 0; s < TILE_ROWS; s++) to[s] = from[r + s];
        for (int64_t r = whole; r < rows; r++) to[r - whole] = from[r];
    }
    return packed;
}

static void NAME(multiply)(void *context, int64_t i) {
    const matmul_block *block = context;
    const gpt_matmul *m = block->m;
    const int64_t first_row = i / block->panel_groups * block->rows_per_block;
    const int64_t end_row = first_row + block->rows_per_block < m->m ? first_row + block->rows_per_block : m->m;
    const int64_t first_panel = i % block->panel_groups * block->panels_per_group;
    const int64_t end_panel =
        first_panel + block->panels_per_group < block->panels ? first_panel + block->panels_per_group : block->panels;
    const int64_t depth = block->depth;
    const bool accumulate = m->accumulate || !block->first;

    const float *a = m->a + first_row * m->a_row + block->first_k * m->a_column;
    int64_t strip = TILE_ROWS * m->a_row, a_row = m->a_row, a_column = m->a_column;
    if (must_pack(m)) {
        a = NAME(pack_strips)(m, a, end_row - first_row, depth);
        strip = TILE_ROWS * depth, a_row = 1, a_column = TILE_ROWS;
    }

    for (int64_t panel = first_panel; panel < end_panel; panel++) {
        const int64_t column = panel * PANEL, left = block->columns - column;
        const int64_t columns = left < PANEL ? left : PANEL;
        const int64_t width = PADDED(columns);
        float *c = m->c + block->first_column + column;
        const float *from = a;
        for (int64_t r = first_row; r < end_row; r += TILE_ROWS, from += strip)
            edge_tile(
                end_row - r < TILE_ROWS ? end_row - r : TILE_ROWS, columns, depth, from, a_row, a_column,
                block->packed + column * depth, width, c + r * m->c_row, m->c_row, accumulate);
        if (block->last && NAME(has_epilogue)(m))
            NAME(finish)(m, first_row, end_row - first_row, block->first_column + column, columns);
    }
}

static void NAME(matmul_blocked)(gpt_execution execution, const gpt_matmul *m) {
    enum { DEPTH = 384, WIDTH = 1536, PIECES = 16 };
    // Enough pieces of work for every thread, whatever their number: short blocks of rows where a has to be packed (so
    // that each row is packed once), groups of panels where it does not.
    int64_t rows = BLOCK_ROWS;
    if (must_pack(m))
        while (rows > 2 * TILE_ROWS && (m->m + rows - 1) / rows < PIECES) rows -= TILE_ROWS;
    const int64_t row_blocks = (m->m + rows - 1) / rows;
    const int64_t groups = must_pack(m) || row_blocks >= PIECES ? 1 : (PIECES + row_blocks - 1) / row_blocks;
    for (int64_t column = 0; column < m->n; column += WIDTH) {
        const int64_t columns = m->n - column < WIDTH ? m->n - column : WIDTH;
        const int64_t panels = (columns + PANEL - 1) / PANEL;
        for (int64_t k = 0; k < m->k || k == 0; k += DEPTH) {
            const int64_t depth = m->k - k < DEPTH ? m->k - k : DEPTH;
            matmul_block block = {
                .m = m, .packed = gpt_scratch(GPT_SCRATCH_SHARED, panels * PANEL * DEPTH),
                .first_k = k, .depth = depth, .first_column = column, .columns = columns, .panels = panels,
                .rows_per_block = rows, .panels_per_group = (panels + groups - 1) / groups,
                .first = k == 0, .last = k + DEPTH >= m->k,
            };
            block.panel_groups = (panels + block.panels_per_group - 1) / block.panels_per_group;
            gpt_parallel(execution.threads, panels, NAME(pack), &block);
            gpt_parallel(execution.threads, row_blocks * block.panel_groups, NAME(multiply), &block);
        }
    }
}

// Few rows, b by rows: each item takes one panel of columns over the whole of k.
static void NAME(multiply_in_place)(void *context, int64_t i) {
    const gpt_matmul *m = context;
    const int64_t column = i * PANEL, columns = m->n - column < PANEL ? m->n - column : PANEL;
    const float *b = m->b + column;
    int64_t width = m->b_row;
    if (columns % LANES != 0) {    // reading whole vectors would pass the end of the last row
        float *packed = gpt_scratch(GPT_SCRATCH_PACK, m->k * PANEL);
        width = pack_panel(packed, b, m->b_row, 1, m->k, columns);
        b = packed;
    }
    for (int64_t r = 0; r < m->m; r += TILE_ROWS)
        edge_tile(
            m->m - r < TILE_ROWS ? m->m - r : TILE_ROWS, columns, m->k, m->a + r * m->a_row, m->a_row, m->a_column, b,
            width, m->c + r * m->c_row + column, m->c_row, m->accumulate);
    if (NAME(has_epilogue)(m)) NAME(finish)(m, 0, m->m, column, columns);
}

// Few rows, b by columns: each item takes some columns as dot products.
static void NAME(multiply_by_dots)(void *context, int64_t i) {
    const gpt_matmul *m = context;
    const int64_t first = i * DOTS;
    const int64_t end = first + DOTS < m->n ? first + DOTS : m->n;
    for (int64_t r = 0; r < m->m; r++) {
        const float *a = m->a + r * m->a_row;
        float *c = m->c + r * m->c_row;
        for (int64_t j = first; j < end; j += 4) {
            const int64_t group = end - j < 4 ? end - j : 4;
            vf sums[4] = {splat(0), splat(0), splat(0), splat(0)};
            const float *b[4];
            for (int64_t g = 0; g < 4; g++) b[g] = m->b + (j + (g < group ? g : 0)) * m->b_column;
            int64_t p = 0;
            for (; p + LANES <= m->k; p += LANES) {
                vf x = load(a + p);
                for (int g = 0; g < 4; g++) sums[g] = x * load(b[g] + p) + sums[g];
            }
            if (p < m->k) {
                vf x = load_part(a + p, m->k - p);
                for (int g = 0; g < 4; g++) sums[g] = x * load_part(b[g] + p, m->k - p) + sums[g];
            }
            for (int64_t g = 0; g < group; g++) c[j + g] = m->accumulate ? c[j + g] + sum(sums[g]) : sum(sums[g]);
        }
    }
    if (NAME(has_epilogue)(m)) NAME(finish)(m, 0, m->m, first, end - first);
}

static void NAME(matmul)(gpt_execution execution, const gpt_matmul *m) {
    // Below this many multiply-adds a hand-off to other threads costs more than it saves.
    if (m->m * m->n * m->k < 65536) execution.threads = 1;
    const bool few_rows = m->m <= 2 * TILE_ROWS && m->a_activation == GPT_IDENTITY;
    if (few_rows && m->b_column == 1)
        gpt_parallel(execution.threads, (m->n + PANEL - 1) / PANEL, NAME(multiply_in_place), (void *)m);
    else if (few_rows && m->a_column == 1 && m->b_row == 1)
        gpt_parallel(execution.threads, (m->n + DOTS - 1) / DOTS, NAME(multiply_by_dots), (void *)m);
    else
        NAME(matmul_blocked)(execution, m);
}

// Multiply-adds on registers alone, enough of them in flight to hide their latency.
static void NAME(spend)(void *context, int64_t i) {
    float *result = (float *)context + i * 64;
    enum { CHAINS = TILE_ROWS * VECTORS };
    vf sums[CHAINS];
    const vf x = load(result), y = load(result + 16);
#pragma clang loop unroll(full)
    for (int c = 0; c < CHAINS; c++) sums[c] = x + (float)c;
    for (int repeat = 0; repeat < 100000; repeat++)
#pragma clang loop unroll(full)
        for (int c = 0; c < CHAINS; c++) sums[c] = sums[c] * y + x;
    vf all = splat(0);
#pragma clang loop unroll(full)
    for (int c = 0; c < CHAINS; c++) all += sums[c];
    store(result + 32, all);
}

static double NAME(spend_flops)(void) { return 2.0 * 100000 * TILE_ROWS * VECTORS * LANES; }

#include "gemm_core_end.h"

#else

#define KERNEL_SOURCE "../matmul.c"
#include "each_instruction_set.h"
#include <time.h>

KERNEL_TABLE(matmul);
KERNEL_TABLE(spend);
KERNEL_TABLE(spend_flops);

void gpt_matmul_run(gpt_execution execution, const gpt_matmul *m) {
    if (m->m > 0 && m->n > 0) matmul_table[execution.instruction_set](execution, m);
}

static double now(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double gpt_peak_flops(gpt_execution execution, double seconds) {
    float *results = gpt_scratch(GPT_SCRATCH_OPERATION, 64 * (int64_t)execution.threads);
    for (int32_t i = 0; i < 64 * execution.threads; i++) results[i] = 0.5f;
    double best = 0;
    for (double end = now() + seconds; now() < end;) {
        const double start = now();
        gpt_parallel(execution.threads, execution.threads, spend_table[execution.instruction_set], results);
        const double rate = execution.threads * spend_flops_table[execution.instruction_set]() / (now() - start);
        if (rate > best) best = rate;
    }
    return best;
}

#endif
