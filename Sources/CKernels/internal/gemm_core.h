// The inner kernel of every matrix product: a tile of c held in registers, and the packing of b into panels.
//
// A panel is PANEL columns of b (VECTORS vectors wide), stored row after row, so that the tile reads it as one stream;
// the last panel is padded with zeros to whole vectors. a is read by broadcasting one word at a time. A word is a
// float. With instructions for dot products of bfloat16, a word in that precision is a pair of neighbours along k: both
// are 32 bits, so only the multiplication differs, and k counts half as many words. Without such instructions a word is
// a number rounded to bfloat16, as a float: the products are those of floats, at the same rate.
//
// Within a block of k every output element is one chain of multiply-adds in ascending order, in whichever tile it is;
// the blocks of k depend on the shapes alone. So the bits do not depend on which thread computes what.
//
// Included once for the sizes, and by kernel files within each_instruction_set.h once more for the kernels.

#ifndef GPT_GEMM_CORE_H
#define GPT_GEMM_CORE_H

#define TILE_ROWS 6

enum { CACHE_LINE = 16, ROWS_AHEAD = 8 };    // in floats; in rows of a packed panel

// The number of floats that k saved elements occupy: two in bfloat16 share one, whatever the instruction set.
static inline int64_t saved_words(int32_t precision, int64_t k) { return precision == GPT_BFLOAT16 ? (k + 1) / 2 : k; }

#endif

#ifdef SIMD

#define PANEL (VECTORS * LANES)

// Whether a word of a factor is a pair. STEPS: how many words of k the loop of a tile is unrolled by. With vectors of 8
// the loop's own instructions would otherwise be a quarter of all.
#ifdef HAS_BFLOAT16
#define IS_PAIRED(precision) ((precision) == GPT_BFLOAT16)
#else
#define IS_PAIRED(precision) ((void)(precision), false)
#endif
#define STEPS (LANES == 8 ? 4 : 1)

#define words_of NAME(words_of)
#define rounded_word NAME(rounded_word)
#define multiply_words NAME(multiply_words)
#define save_row NAME(save_row)
#define tile_steps NAME(tile_steps)
#define tile NAME(tile)
#define pack_panel NAME(pack_panel)
#define run_tile NAME(run_tile)
#define edge_tile NAME(edge_tile)
#define round_row NAME(round_row)
#define multiply_packed NAME(multiply_packed)

// The number of words of k elements of a factor.
ALWAYS_INLINE int64_t words_of(int32_t precision, int64_t k) { return IS_PAIRED(precision) ? (k + 1) / 2 : k; }

// x as it is multiplied where words are not pairs.
ALWAYS_INLINE vf rounded_word(int32_t precision, vf x) {
    return precision == GPT_BFLOAT16 ? floats_of(bfloat16_of(x)) : x;
}

// sum + the products of words.
ALWAYS_INLINE vf multiply_words(int32_t precision, vf sum, vf a, vf b) {
#ifdef HAS_BFLOAT16
    if (IS_PAIRED(precision)) return dot_pairs(sum, a, b);
#endif
    (void)precision;
    return a * b + sum;
}

// Some words of k of a tile. a is read by rows, which are contiguous (a_column is 1), or by columns (a_row is 1).
ALWAYS_INLINE void tile_steps(
    const int32_t precision, const bool by_rows, const int rows, const int vectors, const int steps,
    const float *rows_of_a[TILE_ROWS], int64_t a_column, const float **b, int64_t b_row,
    vf sums[TILE_ROWS][VECTORS]) {
#pragma clang loop unroll(full)
    for (int p = 0; p < steps; p++) {
        vf columns[VECTORS];
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) columns[v] = load(*b + v * LANES);
        *b += b_row;
#pragma clang loop unroll(full)
        for (int r = 0; r < rows; r++) {
            vf x = splat(by_rows ? rows_of_a[r][p] : rows_of_a[0][r]);
#pragma clang loop unroll(full)
            for (int v = 0; v < vectors; v++) sums[r][v] = multiply_words(precision, sums[r][v], x, columns[v]);
        }
        if (!by_rows) rows_of_a[0] += a_column;
    }
    if (!by_rows) return;
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) rows_of_a[r] += steps;
}

// c[r, :] = or += the sum over the words p of a[r, p] b[p, :]. Always inlined with constant precision, order of a, rows
// and vectors, so that the sums stay in registers: 6 x 4 of the 32 with AVX-512, 6 x 2 of the 16 with AVX2.
ALWAYS_INLINE void tile(
    const int32_t precision, const bool by_rows, const int rows, const int vectors, int64_t k, const float *restrict a,
    int64_t a_row, int64_t a_column, const float *restrict b, int64_t b_row, float *restrict c, int64_t c_row,
    bool accumulate) {
    const float *row_of_b = b;
    vf sums[TILE_ROWS][VECTORS];
    const float *rows_of_a[TILE_ROWS];
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++) {
        rows_of_a[r] = a + r * a_row;
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) sums[r][v] = splat(0);
    }
    int64_t p = 0;
    for (; p + STEPS <= k; p += STEPS)
        tile_steps(precision, by_rows, rows, vectors, STEPS, rows_of_a, a_column, &row_of_b, b_row, sums);
    for (; p < k; p++) tile_steps(precision, by_rows, rows, vectors, 1, rows_of_a, a_column, &row_of_b, b_row, sums);
#pragma clang loop unroll(full)
    for (int r = 0; r < rows; r++)
#pragma clang loop unroll(full)
        for (int v = 0; v < vectors; v++) {
            float *at = c + r * c_row + v * LANES;
            store(at, accumulate ? load(at) + sums[r][v] : sums[r][v]);
        }
}

// Calls the tile for a number of rows (1 to TILE_ROWS) and of vectors (1 to VECTORS). One of the strides of a is 1.
static void run_tile(
    int32_t precision, int rows, int vectors, int64_t k, const float *a, int64_t a_row, int64_t a_column,
    const float *b, int64_t b_row, float *c, int64_t c_row, bool accumulate) {
#define CASE(r, v, p) \
    case ((r) * 8 + (v)) * 2 + (p): \
        if (a_column == 1) tile(p, true, r, v, k, a, a_row, 1, b, b_row, c, c_row, accumulate); \
        else tile(p, false, r, v, k, a, 1, a_column, b, b_row, c, c_row, accumulate); \
        break;
#if VECTORS == 4
#define ROW_OF_CASES(r, p) CASE(r, 1, p) CASE(r, 2, p) CASE(r, 3, p) CASE(r, 4, p)
#else
#define ROW_OF_CASES(r, p) CASE(r, 1, p) CASE(r, 2, p)
#endif
#define CASES(p) \
    ROW_OF_CASES(6, p) ROW_OF_CASES(5, p) ROW_OF_CASES(4, p) ROW_OF_CASES(3, p) ROW_OF_CASES(2, p) ROW_OF_CASES(1, p)
#ifdef HAS_BFLOAT16
    switch ((rows * 8 + vectors) * 2 + precision) { CASES(GPT_FLOAT32) CASES(GPT_BFLOAT16) }
#else
    (void)precision;
    switch ((rows * 8 + vectors) * 2) { CASES(GPT_FLOAT32) }
#endif
#undef CASES
#undef ROW_OF_CASES
#undef CASE
}

// Packs k rows and `columns` (at most PANEL) columns of b, padded with zeros to whole vectors; returns the width of a
// row of the packed panel. One of the strides of b is 1.
ALWAYS_INLINE int64_t pack_panel(
    int32_t precision, float *restrict packed, const float *b, int64_t b_row, int64_t b_column, int64_t k,
    int64_t columns) {
    const bool paired = IS_PAIRED(precision);
    const int64_t width = (columns + LANES - 1) / LANES * LANES;
    const int64_t step = paired ? 2 : 1, words = words_of(precision, k);
    if (b_column == 1) {
        for (int64_t p = 0; p < words; p++) {
            const float *from = b + p * step * b_row;
            const bool whole = paired && p * 2 + 1 < k;
            // Another core may hold these lines from the panel before, and a store waits until it owns the line.
            for (int64_t j = 0; j < width; j += CACHE_LINE)
                __builtin_prefetch(packed + (p + ROWS_AHEAD) * width + j, 1);
            for (int64_t j = 0; j < columns; j += LANES) {
                vf x = load_up_to(from + j, columns - j);
                if (paired) x = pairs(x, whole ? load_up_to(from + b_row + j, columns - j) : splat(0));
                else x = rounded_word(precision, x);
                store(packed + p * width + j, x);
            }
        }
    } else {
        // b is stored by columns: transpose a square of words at a time.
        for (int64_t p = 0; p < words; p += LANES) {
            const int64_t left = k - p * step, rows = words - p < LANES ? words - p : LANES;
            for (int64_t j = 0; j < columns; j += LANES) {
                vf square[LANES];
#pragma clang loop unroll(full)
                for (int i = 0; i < LANES; i++) {
                    const float *from = b + p * step + (j + i) * b_column;
                    square[i] = j + i < columns ? load_up_to(from, left) : splat(0);
                    if (paired) {
                        const bool more = j + i < columns && left > LANES;
                        square[i] = neighbours(square[i], more ? load_up_to(from + LANES, left - LANES) : splat(0));
                    } else {
                        square[i] = rounded_word(precision, square[i]);
                    }
                }
                transpose(square);
                for (int i = 0; i < rows; i++) store(packed + (p + i) * width + j, square[i]);
            }
        }
    }
    return width;
}

// Rounds k floats to bfloat16 and stores them in pairs. `to` may be `from`.
ALWAYS_INLINE void save_row(float *to, const float *from, int64_t k) {
    const int64_t words = (k + 1) / 2;
    int64_t p = 0;
    for (; 2 * (p + LANES) <= k; p += LANES)
        store(to + p, neighbours(load(from + 2 * p), load(from + 2 * p + LANES)));
    if (p == words) return;
    const int64_t left = k - 2 * p;
    const vf more = left > LANES ? load_up_to(from + 2 * p + LANES, left - LANES) : splat(0);
    store_up_to(to + p, neighbours(load_up_to(from + 2 * p, left), more), words - p);
}

// Rounds k floats to words of bfloat16. `to` may be `from`.
ALWAYS_INLINE void round_row(float *to, const float *from, int64_t k) {
    if (IS_PAIRED(GPT_BFLOAT16)) {
        save_row(to, from, k);
        return;
    }
    for (int64_t p = 0; p < k; p += LANES)
        store_up_to(to + p, rounded_word(GPT_BFLOAT16, load_up_to(from + p, k - p)), k - p);
}

// One tile of c, which may be cut off by its last row or column.
ALWAYS_INLINE void edge_tile(
    int32_t precision, int64_t rows, int64_t columns, int64_t k, const float *a, int64_t a_row, int64_t a_column,
    const float *b, int64_t b_row, float *c, int64_t c_row, bool accumulate) {
    const int vectors = (int)((columns + LANES - 1) / LANES);
    if (columns % LANES == 0) {
        run_tile(precision, (int)rows, vectors, k, a, a_row, a_column, b, b_row, c, c_row, accumulate);
        return;
    }
    float whole[TILE_ROWS * PANEL];
    run_tile(precision, (int)rows, vectors, k, a, a_row, a_column, b, b_row, whole, PANEL, false);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < columns; j += LANES) {
            const int64_t left = columns - j;
            const vf x = load(whole + r * PANEL + j);
            float *at = c + r * c_row + j;
            store_up_to(at, accumulate ? load_up_to(at, left) + x : x, left);
        }
}

// The width of `columns` columns in panels, in words for each row of b.
#define PADDED(columns) (((columns) + LANES - 1) / LANES * LANES)

// Packs all of b (k, columns) in panels; panel i starts at packed + i PANEL words.
ALWAYS_INLINE void NAME(pack_all)(
    int32_t precision, float *packed, const float *b, int64_t b_row, int64_t b_column, int64_t k, int64_t columns) {
    const int64_t words = words_of(precision, k);
    for (int64_t j = 0; j < columns; j += PANEL)
        pack_panel(
            precision, packed + j * words, b + j * b_column, b_row, b_column, k,
            columns - j < PANEL ? columns - j : PANEL);
}

// c (m, n) = or += a (m, k) times the first k rows and n columns of b, which was packed as a whole: `depth` rows,
// `width` columns. k and depth count words; a consists of words too. On one thread: for products that are part of a
// larger op and stay in its cache.
ALWAYS_INLINE void multiply_packed(
    int32_t precision, int64_t m, int64_t n, int64_t k, const float *a, int64_t a_row, int64_t a_column,
    const float *packed, int64_t depth, int64_t width, float *c, int64_t c_row, bool accumulate) {
    for (int64_t j = 0; j < n; j += PANEL) {
        const int64_t columns = n - j < PANEL ? n - j : PANEL;
        const int64_t panel_row = width - j < PANEL ? PADDED(width - j) : PANEL;
        for (int64_t r = 0; r < m; r += TILE_ROWS)
            edge_tile(
                precision, m - r < TILE_ROWS ? m - r : TILE_ROWS, columns, k, a + r * a_row, a_row, a_column,
                packed + j * depth, panel_row, c + r * c_row + j, c_row, accumulate);
    }
}

#endif
