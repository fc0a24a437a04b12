// Matrix products: c = act(a b + bias), and what backward needs of them.
//
// They go block by block. For each block of DEPTH words of k and WIDTH columns: b is packed into panels (all threads
// together), then the grid of (block of rows of a) x (group of panels) is handed out. a is read in place when its rows
// are contiguous floats. It is packed when it is read transposed or rounded to bfloat16: by whoever multiplies a block of
// its rows, or beforehand with b if there are so few rows that several will multiply each. (With the few rows of
// generation, packing would cost more than the product: for them there is matvec.c.) Wherever rows are read or written a
// little at a time, with the rest of the row skipped, they are fetched ahead: the processor does not see it coming.
//
// The gradient of a weight, a product over the many rows of a batch, is made as two: over the first half of the rows, by
// the threads that wrote that half of the activations, and over the second; then the two are added.

#include "matmul.h"
#include "threads.h"

#ifndef SIMD

enum {
    BLOCK_ROWS = 96,    // rows of a that are multiplied while a panel of b is in cache
    SHORT_ROWS = 24,    // fewer rows of a are not worth a block of their own
    PACKED_ROWS = 48,   // rows of a that an item packs beforehand: whole strips, and whole vectors
    DEPTH = 384,        // words of k in a block
    WIDTH = 1536,       // columns in a block
    PIECES = 16,        // items of work there should be, however small the product
    WIDEST_PANEL = 64,  // of all instruction sets
    STAGE = 8,          // words of k that are staged at a time when a is packed in strips
    SHORTEST_HALF = 192,    // elements of k in a half
    SUMMED_ROWS = 8,    // rows of an item when halves are added
};

// One block of b, and how the work on it is cut. All depths are in words.
typedef struct {
    gpt_matmul m;
    float *packed;                       // where b is packed: panel i of the block starts at packed + i PANEL depth
    const float *packed_b;               // the same, or where it was packed before
    float *packed_a;                     // all of a, or NULL where each block of its rows is packed when its turn comes
    int64_t first_k, depth;              // the block's rows of b
    int64_t first_column, columns;       // and its columns
    int64_t rows_per_block;
    int64_t panel_groups, panels_per_group, panels;
    int64_t first_item;                  // of packing: the number of panels, if b is packed
    bool first, last;                    // block of k
} matmul_block;

// What is done at a time: a block of the product or, if k is halved, of each of its halves, one after the other.
typedef struct {
    matmul_block blocks[2];
    int32_t halves;
    int64_t items;                       // of each
} GPT_CONTEXT matmul_job;

// The sum of the two halves, of which the first is in c.
typedef struct {
    gpt_matmul m;
    const float *second;                 // (m, n), and after it the sums of the columns of b, if they are wanted
} GPT_CONTEXT matmul_sum;

// Whether a is packed in strips before it is multiplied: where it is read transposed (a_row is 1 then).
static inline bool needs_strips(const gpt_matmul *m) { return m->a_column != 1; }

static inline bool packs_a(const gpt_matmul *m) { return needs_strips(m) || m->precision == GPT_BFLOAT16; }

// How k is cut: perhaps in two halves, each in blocks. In words.
typedef struct {
    int32_t halves;
    int64_t half, depth, blocks;
} matmul_depths;

// k is halved where a is read transposed, each half is long, and adding two results is little beside reading the factors.
static inline matmul_depths cut_k(const gpt_matmul *m, int64_t words) {
    const bool is_halved = needs_strips(m) && !m->packed_b && !gpt_has_epilogue(m) && m->k >= 2 * SHORTEST_HALF
        && 4 * m->m * m->n <= m->k * (m->m + m->n);
    const int64_t half = is_halved ? (words + 1) / 2 : words, blocks = half > 0 ? (half + DEPTH - 1) / DEPTH : 1;
    return (matmul_depths){
        .halves = is_halved ? 2 : 1, .half = half, .blocks = blocks,
        .depth = is_halved ? (half + blocks - 1) / blocks : DEPTH,
    };
}

#endif

#ifdef SIMD

#include "gemm_core.h"

#include "matmul_epilogue.h"

// The index along k of the first element of a word.
#define ELEMENTS(m, word) ((m)->precision == GPT_BFLOAT16 ? 2 * (word) : (word))

// sums = or += the sums of some vectors of columns, of which the last may not be whole: `left` columns exist.
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
    // The rows are in cache now. Each column is summed in their order.
    float *sums = m->column_sums + block->first_column + column;
    const bool adds = !block->first || m->add_column_sums;
    if (columns == PANEL) NAME(sum_columns)(VECTORS, sums, adds, b, m->b_row, k, PANEL);
    else
        for (int64_t j = 0; j < columns; j += LANES)
            NAME(sum_columns)(1, sums + j, adds, b + j, m->b_row, k, columns - j);
}

// The distance between two strips: the last copy of one spills over into it.
#define SPILL 8
#define STRIP(depth) (TILE_ROWS * (depth) + SPILL)

// Packs `rows` rows of a from (row, word) on in strips of TILE_ROWS rows, each with its words one after another, so that a
// tile reads it as one stream. a is read transposed.
static void NAME(pack_strips)(
    float *packed, const gpt_matmul *m, int64_t row, int64_t word, int64_t rows, int64_t depth) {
    const bool paired = m->precision == GPT_BFLOAT16;
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
                store(stage[q] + r, x);
            }
        }
        // SPILL words at a time, of which TILE_ROWS count; the next copy overwrites the rest.
        for (int64_t r = 0; r < rows; r += TILE_ROWS)
            for (int64_t q = 0; q < end; q++)
                memcpy(
                    packed + r / TILE_ROWS * STRIP(depth) + (p + q) * TILE_ROWS, stage[q] + r, SPILL * sizeof(float));
    }
}

// Rounds `rows` rows of an a with contiguous rows to bfloat16, from (row, word) on; each has `depth` words then.
static void NAME(round_rows)(
    float *packed, const gpt_matmul *m, int64_t row, int64_t word, int64_t rows, int64_t depth) {
    const int64_t k = m->k - 2 * word < 2 * depth ? m->k - 2 * word : 2 * depth;
    for (int64_t r = 0; r < rows; r++) round_row(packed + r * depth, m->a + (row + r) * m->a_row + 2 * word, k);
}

// Packs `rows` rows of a, however it must be.
ALWAYS_INLINE void NAME(pack_a)(
    float *packed, const gpt_matmul *m, int64_t row, int64_t word, int64_t rows, int64_t depth) {
    (needs_strips(m) ? NAME(pack_strips) : NAME(round_rows))(packed, m, row, word, rows, depth);
}

// The words that a whole strip takes once a is packed.
ALWAYS_INLINE int64_t NAME(packed_strip)(const gpt_matmul *m, int64_t depth) {
    return needs_strips(m) ? STRIP(depth) : TILE_ROWS * depth;
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
        block->packed_a + row / TILE_ROWS * NAME(packed_strip)(&block->m, block->depth), &block->m, row, block->first_k,
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
    const bool accumulate = m->accumulate || !block->first, finishes = block->last && gpt_has_epilogue(m);

    const float *a = m->a + first_row * m->a_row + block->first_k;
    int64_t strip = TILE_ROWS * m->a_row, a_row = m->a_row, a_column = 1;
    if (packs_a(m)) {
        strip = NAME(packed_strip)(m, depth);
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
            NAME(fetch)(m, r, tile_rows, block->first_column + column, columns, finishes);
            edge_tile(
                m->precision, tile_rows, columns, depth, from, a_row, a_column, block->packed_b + column * depth, width,
                c + r * m->c_row, m->c_row, accumulate);
            // Tile by tile: what is written then finds its way to memory while the next tile is computed.
            if (finishes) NAME(finish)(m, r, tile_rows, block->first_column + column, columns);
        }
    }
}

// Adds the second half of some rows to the first, and once that of the sums of columns.
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

// The block of b at (k, column), where k ends at `end`.
static matmul_block NAME(block_at)(const gpt_matmul *m, int64_t k, int64_t end, int64_t depth, int64_t column) {
    const int64_t columns = m->n - column < WIDTH ? m->n - column : WIDTH;
    return (matmul_block){
        .m = *m, .first_k = k, .depth = end - k < depth ? end - k : depth, .first_column = column, .columns = columns,
        .panels = (columns + PANEL - 1) / PANEL,
    };
}

// Where the block is when all of b is packed.
ALWAYS_INLINE int64_t NAME(offset)(const matmul_block *block) {
    return block->first_column * words_of(block->m.precision, block->m.k) + block->first_k * block->panels * PANEL;
}

// The same block of b for all of k's halves; each of them with its own room for what is packed, and its own result.
static void NAME(run_block)(gpt_execution execution, matmul_job *job, int64_t row_blocks, int64_t packings_of_a) {
    const matmul_block *block = &job->blocks[0];
    job->items = block->panels + packings_of_a - block->first_item;
    gpt_parallel(execution.threads, job->halves * job->items, NAME(pack), job);
    job->items = row_blocks * block->panel_groups;
    gpt_parallel(execution.threads, job->halves * job->items, NAME(multiply), job);
}

static void NAME(matmul)(gpt_execution execution, const gpt_matmul *m) {
    // Below this many multiply-adds a hand-off to other threads costs more than it saves.
    if (m->m * m->n * m->k < 65536) execution.threads = 1;
    // Enough pieces of work for every thread, whatever their number: blocks of rows or, where these would be too short,
    // some of the panels of each; then a is packed beforehand.
    int64_t row_blocks = (m->m + BLOCK_ROWS - 1) / BLOCK_ROWS;
    const bool are_short = needs_strips(m) || m->m < PIECES * SHORT_ROWS;
    if (!are_short && packs_a(m) && row_blocks < PIECES) row_blocks = PIECES;
    const bool packs_before = packs_a(m) && row_blocks < PIECES;
    const int64_t rows = ((m->m + row_blocks - 1) / row_blocks + TILE_ROWS - 1) / TILE_ROWS * TILE_ROWS;
    row_blocks = (m->m + rows - 1) / rows;
    const int64_t groups = row_blocks >= PIECES || (packs_a(m) && !packs_before)
        ? 1 : (2 * PIECES + row_blocks - 1) / row_blocks;
    const int64_t strips = packs_before ? (m->m + TILE_ROWS - 1) / TILE_ROWS : 0;
    const int64_t packings_of_a = packs_before ? (m->m + PACKED_ROWS - 1) / PACKED_ROWS : 0;

    const int64_t words = words_of(m->precision, m->k);
    const matmul_depths depths = cut_k(m, words);
    const int64_t room_for_b = m->packed_b ? 0 : (m->n < WIDTH ? (m->n + PANEL - 1) / PANEL * PANEL : WIDTH) * DEPTH;
    const int64_t room = room_for_b + strips * NAME(packed_strip)(m, DEPTH);
    gpt_matmul parts[2] = {*m, *m};
    float *packed[2] = {gpt_scratch(depths.halves == 1 ? GPT_SCRATCH_SHARED : GPT_SCRATCH_FIRST_HALF, room)};
    if (depths.halves == 2) {
        packed[1] = gpt_scratch(GPT_SCRATCH_SECOND_HALF, room + (m->m + 1) * m->n);
        parts[1].c = packed[1] + room, parts[1].c_row = m->n, parts[1].accumulate = false;
        if (m->column_sums) parts[1].column_sums = parts[1].c + m->m * m->n, parts[1].add_column_sums = false;
    }
    for (int64_t column = 0; column < m->n; column += WIDTH) {
        for (int64_t i = 0; i < depths.blocks; i++) {
            matmul_job job = {.halves = depths.halves};
            for (int32_t part = 0; part < depths.halves; part++) {
                const int64_t first = part * depths.half, end = first + depths.half < words ? first + depths.half : words;
                matmul_block block = NAME(block_at)(&parts[part], first + i * depths.depth, end, depths.depth, column);
                block.first = i == 0, block.last = i == depths.blocks - 1;
                block.rows_per_block = rows;
                block.panels_per_group = (block.panels + groups - 1) / groups;
                block.panel_groups = (block.panels + block.panels_per_group - 1) / block.panels_per_group;
                block.packed = packed[part];
                block.packed_b = m->packed_b ? m->packed_b + NAME(offset)(&block) : block.packed;
                if (packs_before) block.packed_a = block.packed + room_for_b;
                block.first_item = m->packed_b ? block.panels : 0;
                job.blocks[part] = block;
            }
            NAME(run_block)(execution, &job, row_blocks, packings_of_a);
        }
    }
    if (depths.halves == 1) return;
    matmul_sum sum = {.m = *m, .second = parts[1].c};
    gpt_parallel(execution.threads, (m->m + SUMMED_ROWS - 1) / SUMMED_ROWS, NAME(add_halves), &sum);
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
#undef SPILL
#undef STRIP
#include "gemm_core_end.h"

#else

#define KERNEL_SOURCE "../products/matmul.c"
#include "each_instruction_set.h"

KERNEL_TABLE(matmul);
KERNEL_TABLE(matmul_pack);

int64_t gpt_matmul_packed_size(const gpt_matmul *m) {
    return words_of(m->precision, m->k) * ((m->n + WIDEST_PANEL - 1) / WIDEST_PANEL * WIDEST_PANEL);
}

void gpt_matmul_pack(gpt_execution execution, const gpt_matmul *m, float *packed) {
    if (m->n * m->k < 65536) execution.threads = 1;
    matmul_pack_table[execution.instruction_set](execution, m, packed);
}

void gpt_matmul_run(gpt_execution execution, const gpt_matmul *m) {
    if (m->m > 0 && m->n > 0) matmul_table[execution.instruction_set](execution, m);
}

#endif
