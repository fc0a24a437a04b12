// Matrix products: c = act(a b + bias), and the variants for backward.
//
// A product is computed block by block. A block is DEPTH words of k and WIDTH columns: its part of b is packed into
// panels (by all threads together), then the grid of (blocks of rows of a) x (groups of panels) is distributed over the
// threads. a is read in place when its rows are contiguous floats. It is packed when it is read transposed or rounded
// to bfloat16: by the thread that multiplies a block of its rows, or beforehand with b if there are so few rows that
// several threads will multiply each. (For the few rows of generation packing would cost more than the product: see
// gemv.c.) Where only parts of rows are read or written, they are prefetched, because the hardware prefetcher does not
// predict such accesses.
//
// The gradient of a weight, a product over the many rows of a batch, is computed as two products: over the first half
// of the rows, by the threads that wrote that half of the activations, and over the second half. Then the two are
// added.

#include "matmul.h"
#include "gemm_core.h"
#include "threads.h"

#ifndef SIMD

enum {
    BLOCK_ROWS = 96,    // rows of a that are multiplied while a panel of b is in cache
    SHORT_ROWS = 24,    // fewer rows of a are not worth a block of their own
    PACKED_ROWS = 48,   // rows of a in an item of packing it beforehand: whole strips and whole vectors
    DEPTH = 384,        // words of k in a block
    WIDTH = 1536,       // columns in a block
    LEAST_ITEMS = 16,   // items of work that even a small product is divided into
    STAGE = 8,          // words of k that are staged at a time when a is packed in strips
    SPILL = 8,          // words from one strip to the next: the last copy to a strip writes so far beyond it
    SHORTEST_HALF = 192,    // elements of k in a half
    SUMMED_ROWS = 8,    // rows of an item when halves are added
};

// How a product is divided into items of work. It depends on the shape and the size of panels, not on the threads.
typedef struct {
    // k, in words: one or two halves, each in `k_blocks` blocks of at most `depth`.
    int32_t halves;
    int64_t half, depth, k_blocks;
    // Rows: blocks of a multiple of TILE_ROWS. The panels of each block of k and columns are in at most `panel_groups`.
    int64_t rows_per_block, row_blocks, panel_groups;
    // Items that pack a before it is multiplied; 0 where each block of its rows is packed by the item that multiplies
    // it.
    int64_t a_items;
    // Scratch memory of a half, in words: for the packed block of b, and for all of a if it is packed beforehand.
    int64_t packed_b, packed_a;
} matmul_schedule;

// One block of b, and how the work on it is divided. All depths are in words.
typedef struct {
    gpt_matmul m;
    float *packed;                       // scratch for packing b: panel i of the block begins at packed + i PANEL depth
    const float *packed_b;               // the same, or b as it was packed before
    float *packed_a;                     // all of a, or NULL if each block of its rows is packed when multiplied
    int64_t first_k, depth;              // the block's rows of b
    int64_t first_column, columns;       // and its columns
    int64_t rows_per_block;
    int64_t panel_groups, panels_per_group, panels;
    int64_t first_item;                  // of packing: the number of panels if b is packed already, else 0
    bool first, last;                    // block of k
} matmul_block;

// One job for the threads: a block of the product or, if k is halved, a block of each half, one after the other.
typedef struct {
    matmul_block blocks[2];
    int32_t halves;
    int64_t items;                       // of each block
} GPT_CONTEXT matmul_job;

// The sum of the two halves. The first is in c.
typedef struct {
    gpt_matmul m;
    const float *second;                 // (m, n), followed by its sums of the columns of b if they are wanted
} GPT_CONTEXT matmul_sum;

static inline int64_t rounded_up(int64_t x, int64_t unit) { return (x + unit - 1) / unit * unit; }

// Whether a is packed in strips before it is multiplied: where it is read transposed (a_row is 1 then).
static inline bool needs_strips(const gpt_matmul *m) { return m->a_column != 1; }

static inline bool packs_a(const gpt_matmul *m) { return needs_strips(m) || m->precision == GPT_BFLOAT16; }

// The words of a strip of TILE_ROWS rows of a packed a.
static inline int64_t packed_strip(const gpt_matmul *m, int64_t depth) {
    return TILE_ROWS * depth + (needs_strips(m) ? SPILL : 0);
}

// k is halved where a is read transposed, each half is long, and adding the two results costs little beside reading the
// factors.
static inline bool halves_k(const gpt_matmul *m) {
    return needs_strips(m) && !m->packed_b && !gpt_has_epilogue(m) && m->k >= 2 * SHORTEST_HALF
        && 4 * m->m * m->n <= m->k * (m->m + m->n);
}

// `words` is the number of words of k.
static matmul_schedule matmul_plan(const gpt_matmul *m, int64_t words, int64_t panel) {
    matmul_schedule s = {.halves = halves_k(m) ? 2 : 1};
    s.half = s.halves == 2 ? (words + 1) / 2 : words;
    s.k_blocks = s.half > 0 ? (s.half + DEPTH - 1) / DEPTH : 1;
    s.depth = s.halves == 2 ? (s.half + s.k_blocks - 1) / s.k_blocks : DEPTH;

    // Enough items for all threads, whatever their number: blocks of rows or, where these would be too short, groups of
    // panels within each. Then several items multiply the same rows, so a is packed beforehand.
    s.row_blocks = (m->m + BLOCK_ROWS - 1) / BLOCK_ROWS;
    const bool are_short = needs_strips(m) || m->m < LEAST_ITEMS * SHORT_ROWS;
    if (!are_short && packs_a(m) && s.row_blocks < LEAST_ITEMS) s.row_blocks = LEAST_ITEMS;
    const bool packs_before = packs_a(m) && s.row_blocks < LEAST_ITEMS;
    s.rows_per_block = rounded_up((m->m + s.row_blocks - 1) / s.row_blocks, TILE_ROWS);
    s.row_blocks = (m->m + s.rows_per_block - 1) / s.rows_per_block;
    const bool groups_panels = s.row_blocks < LEAST_ITEMS && (packs_before || !packs_a(m));
    s.panel_groups = groups_panels ? (2 * LEAST_ITEMS + s.row_blocks - 1) / s.row_blocks : 1;

    if (!m->packed_b) s.packed_b = (m->n < WIDTH ? rounded_up(m->n, panel) : WIDTH) * DEPTH;
    if (packs_before) {
        s.a_items = (m->m + PACKED_ROWS - 1) / PACKED_ROWS;
        s.packed_a = (m->m + TILE_ROWS - 1) / TILE_ROWS * packed_strip(m, DEPTH);
    }
    return s;
}

#endif

#ifdef SIMD

#include "matmul_epilogue.h"

// The index along k of the first element of a word.
#define ELEMENTS(m, word) (IS_PAIRED((m)->precision) ? 2 * (word) : (word))

// sums = or += the sums of some vectors of columns; only `left` columns exist.
ALWAYS_INLINE void NAME(sum_columns)(
    const int vectors, float *sums, bool adds, const float *b, int64_t b_row, int64_t k, int64_t left) {
    vf totals[VECTORS];
    for (int v = 0; v < vectors; v++) totals[v] = adds ? load_up_to(sums + v * LANES, left - v * LANES) : splat(0);
    for (int64_t p = 0; p < k; p++)
        for (int v = 0; v < vectors; v++) totals[v] += load_up_to(b + p * b_row + v * LANES, left - v * LANES);
    for (int v = 0; v < vectors; v++) store_up_to(sums + v * LANES, totals[v], left - v * LANES);
}

static void NAME(pack_columns)(const matmul_block *block, int64_t i) {
    const gpt_matmul *m = &block->m;
    const int64_t column = i * PANEL, left = block->columns - column, columns = left < PANEL ? left : PANEL;
    const int64_t first = ELEMENTS(m, block->first_k), end = ELEMENTS(m, block->first_k + block->depth);
    const int64_t k = (end < m->k ? end : m->k) - first;
    const float *b = m->b + first * m->b_row + (block->first_column + column) * m->b_column;
    pack_panel(m->precision, block->packed + column * block->depth, b, m->b_row, m->b_column, k, columns);
    if (!m->column_sums) return;
    // The rows are in cache now. Each column is summed in the order of the rows.
    float *sums = m->column_sums + block->first_column + column;
    const bool adds = !block->first || m->add_column_sums;
    if (columns == PANEL) NAME(sum_columns)(VECTORS, sums, adds, b, m->b_row, k, PANEL);
    else
        for (int64_t j = 0; j < columns; j += LANES)
            NAME(sum_columns)(1, sums + j, adds, b + j, m->b_row, k, columns - j);
}

// Packs `rows` rows of a transposed a, from (row, word) on, in strips of TILE_ROWS rows. The words of a strip are
// contiguous, so that a tile reads it as one stream.
static void NAME(pack_strips)(
    float *packed, const gpt_matmul *m, int64_t row, int64_t word, int64_t rows, int64_t depth) {
    const bool paired = IS_PAIRED(m->precision);
    const int64_t strip = packed_strip(m, depth);
    float stage[STAGE][BLOCK_ROWS + LANES + SPILL];
    for (int64_t p = 0; p < depth; p += STAGE) {
        const int64_t end = depth - p < STAGE ? depth - p : STAGE;
        for (int64_t q = 0; q < end; q++) {
            const int64_t k = ELEMENTS(m, word + p + q);
            const float *from = m->a + row * m->a_row + k * m->a_column;
            const float *later = from + 2 * STAGE * m->a_column;
            for (int64_t r = 0; r < rows; r += CACHE_LINE) {
                __builtin_prefetch(later + r);
                if (paired) __builtin_prefetch(later + m->a_column + r);
            }
            for (int64_t r = 0; r < rows; r += LANES) {
                const int64_t left = rows - r;
                vf x = load_up_to(from + r, left);
                if (paired) x = pairs(x, k + 1 < m->k ? load_up_to(from + m->a_column + r, left) : splat(0));
                else x = rounded_word(m->precision, x);
                store(stage[q] + r, x);
            }
        }
        // SPILL words at a time: TILE_ROWS are needed, and the next copy overwrites the rest.
        for (int64_t r = 0; r < rows; r += TILE_ROWS)
            for (int64_t q = 0; q < end; q++)
                memcpy(packed + r / TILE_ROWS * strip + (p + q) * TILE_ROWS, stage[q] + r, SPILL * sizeof(float));
    }
}

// Rounds `rows` contiguous rows of a to bfloat16, from (row, word) on, `depth` words each.
static void NAME(round_rows)(
    float *packed, const gpt_matmul *m, int64_t row, int64_t word, int64_t rows, int64_t depth) {
    const int64_t first = ELEMENTS(m, word), end = ELEMENTS(m, word + depth), k = (end < m->k ? end : m->k) - first;
    for (int64_t r = 0; r < rows; r++) round_row(packed + r * depth, m->a + (row + r) * m->a_row + first, k);
}

// Packs `rows` rows of a in strips or by rounding.
ALWAYS_INLINE void NAME(pack_a)(
    float *packed, const gpt_matmul *m, int64_t row, int64_t word, int64_t rows, int64_t depth) {
    (needs_strips(m) ? NAME(pack_strips) : NAME(round_rows))(packed, m, row, word, rows, depth);
}

// Packs a panel of b or, after the last of them, some rows of a.
static void NAME(pack)(void *context, int64_t item) {
    const matmul_job *job = context;
    const matmul_block *block = &job->blocks[item / job->items];
    const int64_t i = item % job->items + block->first_item;
    if (i < block->panels) {
        NAME(pack_columns)(block, i);
        return;
    }
    const int64_t row = (i - block->panels) * PACKED_ROWS, left = block->m.m - row;
    NAME(pack_a)(
        block->packed_a + row / TILE_ROWS * packed_strip(&block->m, block->depth), &block->m, row, block->first_k,
        left < PACKED_ROWS ? left : PACKED_ROWS, block->depth);
}

static void NAME(multiply)(void *context, int64_t item) {
    const matmul_job *job = context;
    const matmul_block *block = &job->blocks[item / job->items];
    const gpt_matmul *m = &block->m;
    const int64_t i = item % job->items;
    const int64_t first_row = i / block->panel_groups * block->rows_per_block;
    const int64_t end_row = first_row + block->rows_per_block < m->m ? first_row + block->rows_per_block : m->m;
    const int64_t first_panel = i % block->panel_groups * block->panels_per_group;
    const int64_t end_panel =
        first_panel + block->panels_per_group < block->panels ? first_panel + block->panels_per_group : block->panels;
    const int64_t depth = block->depth, rows = end_row - first_row;
    const bool accumulate = m->accumulate || !block->first, has_epilogue = block->last && gpt_has_epilogue(m);

    const float *a = m->a + first_row * m->a_row + block->first_k;
    int64_t strip = TILE_ROWS * m->a_row, a_row = m->a_row, a_column = 1;
    if (packs_a(m)) {
        strip = packed_strip(m, depth);
        a_row = needs_strips(m) ? 1 : depth, a_column = needs_strips(m) ? TILE_ROWS : 1;
        if (block->packed_a) {
            a = block->packed_a + first_row / TILE_ROWS * strip;
        } else {
            float *packed = gpt_scratch(GPT_SCRATCH_PACK, (rows + TILE_ROWS - 1) / TILE_ROWS * strip);
            NAME(pack_a)(packed, m, first_row, block->first_k, rows, depth);
            a = packed;
        }
    }

    for (int64_t panel = first_panel; panel < end_panel; panel++) {
        const int64_t column = panel * PANEL, left = block->columns - column;
        const int64_t columns = left < PANEL ? left : PANEL;
        const int64_t width = PADDED(columns);
        float *c = m->c + block->first_column + column;
        const float *from = a;
        for (int64_t r = first_row; r < end_row; r += TILE_ROWS, from += strip) {
            const int64_t tile_rows = end_row - r < TILE_ROWS ? end_row - r : TILE_ROWS;
            NAME(prefetch_tile)(m, r, tile_rows, block->first_column + column, columns, has_epilogue);
            edge_tile(
                m->precision, tile_rows, columns, depth, from, a_row, a_column, block->packed_b + column * depth, width,
                c + r * m->c_row, m->c_row, accumulate);
            // Tile by tile, so that its results are written to memory while the next tile is computed.
            if (has_epilogue) NAME(epilogue)(m, r, tile_rows, block->first_column + column, columns);
        }
    }
}

// Adds the second half of some rows to the first; item 0 also adds the sums of columns.
static void NAME(add_halves)(void *context, int64_t item) {
    const matmul_sum *sum = context;
    const gpt_matmul *m = &sum->m;
    const int64_t end = (item + 1) * SUMMED_ROWS < m->m ? (item + 1) * SUMMED_ROWS : m->m;
    for (int64_t r = item * SUMMED_ROWS; r < end; r++)
        for (int64_t j = 0; j < m->n; j += LANES) {
            float *c = m->c + r * m->c_row + j;
            store_up_to(c, load_up_to(c, m->n - j) + load_up_to(sum->second + r * m->n + j, m->n - j), m->n - j);
        }
    if (item > 0 || !m->column_sums) return;
    for (int64_t j = 0; j < m->n; j++) m->column_sums[j] += sum->second[m->m * m->n + j];
}

// The block of b at (k, column), of at most `depth` words before `end`.
static matmul_block NAME(block_at)(const gpt_matmul *m, int64_t k, int64_t end, int64_t depth, int64_t column) {
    const int64_t columns = m->n - column < WIDTH ? m->n - column : WIDTH;
    return (matmul_block){
        .m = *m, .first_k = k, .depth = end - k < depth ? end - k : depth, .first_column = column, .columns = columns,
        .panels = (columns + PANEL - 1) / PANEL,
    };
}

// The offset of the block when all of b is packed.
ALWAYS_INLINE int64_t NAME(offset)(const matmul_block *block) {
    return block->first_column * words_of(block->m.precision, block->m.k) + block->first_k * block->panels * PANEL;
}

// Packs and multiplies a block of b, or one of each half of k.
static void NAME(run_block)(gpt_execution execution, matmul_job *job, const matmul_schedule *s) {
    const matmul_block *block = &job->blocks[0];
    job->items = block->panels + s->a_items - block->first_item;
    gpt_parallel(execution.threads, job->halves * job->items, NAME(pack), job);
    job->items = s->row_blocks * block->panel_groups;
    gpt_parallel(execution.threads, job->halves * job->items, NAME(multiply), job);
}

static void NAME(matmul)(gpt_execution execution, const gpt_matmul *m) {
    // With fewer multiply-adds a hand-off to other threads costs more than it saves.
    if (m->m * m->n * m->k < 65536) execution.threads = 1;
    const int64_t words = words_of(m->precision, m->k);
    const matmul_schedule s = matmul_plan(m, words, PANEL);
    const int64_t scratch = s.packed_b + s.packed_a;
    // Each half has scratch memory of its own, and the second half a result of its own after it.
    gpt_matmul halves[2] = {*m, *m};
    float *packed[2] = {gpt_scratch(s.halves == 1 ? GPT_SCRATCH_SHARED : GPT_SCRATCH_FIRST_HALF, scratch)};
    if (s.halves == 2) {
        packed[1] = gpt_scratch(GPT_SCRATCH_SECOND_HALF, scratch + (m->m + 1) * m->n);
        gpt_matmul *second = &halves[1];
        second->c = packed[1] + scratch, second->c_row = m->n, second->accumulate = false;
        if (m->column_sums) second->column_sums = second->c + m->m * m->n, second->add_column_sums = false;
    }
    for (int64_t column = 0; column < m->n; column += WIDTH) {
        for (int64_t i = 0; i < s.k_blocks; i++) {
            matmul_job job = {.halves = s.halves};
            for (int32_t h = 0; h < s.halves; h++) {
                const int64_t first = h * s.half, end = first + s.half < words ? first + s.half : words;
                matmul_block block = NAME(block_at)(&halves[h], first + i * s.depth, end, s.depth, column);
                block.first = i == 0, block.last = i == s.k_blocks - 1;
                block.rows_per_block = s.rows_per_block;
                block.panels_per_group = (block.panels + s.panel_groups - 1) / s.panel_groups;
                block.panel_groups = (block.panels + block.panels_per_group - 1) / block.panels_per_group;
                block.packed = packed[h];
                block.packed_b = m->packed_b ? m->packed_b + NAME(offset)(&block) : block.packed;
                if (s.a_items > 0) block.packed_a = block.packed + s.packed_b;
                block.first_item = m->packed_b ? block.panels : 0;
                job.blocks[h] = block;
            }
            NAME(run_block)(execution, &job, &s);
        }
    }
    if (s.halves == 1) return;
    matmul_sum sum = {.m = *m, .second = halves[1].c};
    gpt_parallel(execution.threads, (m->m + SUMMED_ROWS - 1) / SUMMED_ROWS, NAME(add_halves), &sum);
}

static int64_t NAME(matmul_packed_size)(const gpt_matmul *m) {
    return words_of(m->precision, m->k) * rounded_up(m->n, PANEL);
}

static void NAME(matmul_pack)(gpt_execution execution, const gpt_matmul *m, float *packed) {
    const int64_t words = words_of(m->precision, m->k);
    for (int64_t column = 0; column < m->n; column += WIDTH) {
        for (int64_t k = 0; k < words; k += DEPTH) {
            matmul_job job = {.blocks = {NAME(block_at)(m, k, words, DEPTH, column)}};
            job.blocks[0].packed = packed + NAME(offset)(&job.blocks[0]);
            job.blocks[0].first = k == 0;
            job.items = job.blocks[0].panels;
            gpt_parallel(execution.threads, job.items, NAME(pack), &job);
        }
    }
}

#undef ELEMENTS
#include "gemm_core_end.h"

#else

#define KERNEL_SOURCE "../products/matmul.c"
#include "each_instruction_set.h"

KERNEL_TABLE(matmul);
KERNEL_TABLE(matmul_packed_size);
KERNEL_TABLE(matmul_pack);

int64_t gpt_matmul_packed_size(gpt_execution execution, const gpt_matmul *m) {
    return matmul_packed_size_table[execution.instruction_set](m);
}

void gpt_matmul_pack(gpt_execution execution, const gpt_matmul *m, float *packed) {
    if (m->n * m->k < 65536) execution.threads = 1;
    matmul_pack_table[execution.instruction_set](execution, m, packed);
}

void gpt_matmul_run(gpt_execution execution, const gpt_matmul *m) {
    if (m->m > 0 && m->n > 0) matmul_table[execution.instruction_set](execution, m);
}

#endif
