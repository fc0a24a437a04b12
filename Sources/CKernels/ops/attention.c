// Attention. For each head of each sequence, with S = scale Q K', P = softmax(S) over the keys that a query attends to:
//
//     forward    O = P V;  saves the maximum of each row of scale Q K' and 1 / the sum of its exponentials
//     backward   P recomputed from them, to the same bits;   dV = P' dO;   dP = dO V'
//                dS = P (dP - D), D = rowsum(dO O);   dQ = scale dS K;   dK = scale dS' Q
//
// (Dao et al., "FlashAttention", 2022, for the recomputation and D.) An item of work is one head of keys and values
// with the group of query heads that share it, in most models a single head. K and V are packed once, and the queries
// of one head after another are processed in blocks whose scores stay in cache. dK and dV are the sums over the heads
// of the group, in order. With a causal mask a block needs only the keys up to its last query, so half of the products
// are skipped. In bfloat16 both factors of each product are rounded; scores, softmax and sums are floats.
//
// Sequences of different lengths are stored without padding: an item reads where its sequence starts and how long it is.

#include "attention.h"
#include "threads.h"

#ifndef SIMD

enum { LONGEST_BLOCK = 48 };

typedef struct {
    gpt_attention a;
    gpt_heads d_out;                       // for the backward pass
    gpt_heads_gradient d_q, d_k, d_v;
} GPT_CONTEXT attention;

// The rows of one sequence.
typedef struct {
    int64_t batch, first_query, queries, first_key, keys;
    int64_t offset;                        // the position of the first query among the keys
} sequence;

static inline sequence sequence_of(const gpt_attention *a, int64_t batch) {
    sequence s = {batch, batch * a->queries, a->queries, batch * a->keys, a->keys, 0};
    if (a->query_starts) {
        s.first_query = a->query_starts[batch];
        s.queries = a->query_starts[batch + 1] - s.first_query;
    }
    if (a->key_starts) {
        s.first_key = a->key_starts[batch];
        s.keys = a->key_starts[batch + 1] - s.first_key;
    }
    if (a->cached) {
        s.offset = a->cached[batch].past;
        s.keys = s.offset + s.queries;
    }
    return s;
}

// The start of the vectors of one head of one sequence; starts are those of the queries or of the keys.
static inline float *head_start(gpt_heads x, const int64_t *starts, int64_t batch, int64_t head) {
    return x.start + (starts ? starts[batch] * x.row : batch * x.batch) + head * x.head;
}

// The start of the keys or values of one head of one sequence.
static inline float *key_start(const gpt_attention *a, int64_t batch, int64_t head) {
    return a->cached ? a->cached[batch].keys + head * a->k.head : head_start(a->k, a->key_starts, batch, head);
}

static inline float *value_start(const gpt_attention *a, int64_t batch, int64_t head) {
    return a->cached ? a->cached[batch].values + head * a->v.head : head_start(a->v, a->key_starts, batch, head);
}

// The number of query heads that share a head of keys and values.
static inline int64_t group_size(const gpt_attention *a) { return a->heads / a->kv_heads; }

// The number of keys that the query attends to.
static inline int64_t visible_keys(const gpt_attention *a, const sequence *s, int64_t query) {
    const int64_t limit = query + s->offset + 1;
    return a->mask == GPT_MASK_FULL || limit > s->keys ? s->keys : limit;
}

// The maximum and 1 / sum of a query's softmax.
static inline float *statistics_of(const gpt_attention *a, const sequence *s, int64_t head, int64_t query) {
    return a->statistics ? a->statistics + 2 * (s->first_query * a->heads + head * s->queries + query) : NULL;
}

// The number of queries in a block. In a long block the products for d_k and d_v have long sums; a short one computes
// fewer scores that the mask hides.
static inline int64_t query_block(const gpt_attention *a, const sequence *s) {
    return a->precision == GPT_BFLOAT16 && s->queries >= 4 * LONGEST_BLOCK ? LONGEST_BLOCK : LONGEST_BLOCK / 2;
}

// The left factor of a product: its address, and the distance between its rows.
typedef struct {
    const float *start;
    int64_t row;
} left_factor;

#endif

#ifdef SIMD

#include "gemm_core.h"

// Rows of scores are padded to whole vectors. Beyond `visible`, where the mask hides keys, a row is undefined before
// softmax and zero after it.

// Replaces scores[0 ..< visible] by exp(scale scores - maximum), to the same bits in forward and backward, and the rest
// of the last vector by 0. Returns the sum.
ALWAYS_INLINE float NAME(exponentials)(float *scores, int64_t visible, float scale, float maximum) {
    vf totals = splat(0);
    for (int64_t j = 0; j < visible; j += LANES) {
        vf e = vexp(load(scores + j) * scale - maximum);
        if (visible - j < LANES) e = first_lanes(e, visible - j, 0);
        store(scores + j, e);
        totals += e;
    }
    return sum(totals);
}

// Replaces scores[0 ..< visible] by scale scores - slope |j - position|: to the same bits in forward and backward.
ALWAYS_INLINE void NAME(subtract_distances)(float *scores, int64_t visible, float scale, float slope, int64_t position) {
    float first[LANES];
    for (int i = 0; i < LANES; i++) first[i] = (float)(i - position);
    vf distance = load(first);
    for (int64_t j = 0; j < visible; j += LANES) {
        store(scores + j, load(scores + j) * scale - vmax(distance, -distance) * slope);
        distance += (float)LANES;
    }
}

// Replaces scores[0 ..< visible] by softmax(scale scores), and the rest up to `limit` by 0. statistics, if not NULL,
// receives what recomputes the same softmax from the same scores: the maximum, and 1 / the sum.
static void NAME(softmax)(float *scores, int64_t visible, int64_t limit, float scale, float *statistics) {
    vf highest = splat(-INFINITY);
    int64_t j = 0;
    for (; j < visible; j += LANES) {
        vf x = load(scores + j);
        highest = vmax(visible - j < LANES ? first_lanes(x, visible - j, -INFINITY) : x, highest);
    }
    const float maximum = largest(highest) * scale;
    const float factor = 1 / NAME(exponentials)(scores, visible, scale, maximum);
    for (j = 0; j < visible; j += LANES) store(scores + j, load(scores + j) * factor);
    for (; j < limit; j += LANES) store(scores + j, splat(0));
    if (statistics) {
        statistics[0] = maximum;
        statistics[1] = factor;
    }
}

// Rows of floats as a left factor: in place, or rounded to words at `rounded`.
ALWAYS_INLINE left_factor NAME(factor)(
    int32_t precision, float *rounded, const float *from, int64_t from_row, int64_t rows, int64_t size) {
    if (precision == GPT_FLOAT32) return (left_factor){from, from_row};
    const int64_t words = words_of(precision, size);
    for (int64_t r = 0; r < rows; r++) round_row(rounded + r * words, from + r * from_row, size);
    return (left_factor){rounded, words};
}

// Rounds scores in place.
ALWAYS_INLINE void NAME(round_scores)(int32_t precision, float *scores, int64_t row, int64_t rows, int64_t limit) {
    if (precision == GPT_FLOAT32) return;
    for (int64_t r = 0; r < rows; r++) round_row(scores + r * row, scores + r * row, limit);
}

// Pairs the rows of scores for a left factor that is read transposed and consists of pairs. `to` may be `scores`.
ALWAYS_INLINE void NAME(pair_rows)(float *to, const float *scores, int64_t row, int64_t rows, int64_t limit) {
    for (int64_t r = 0; r < rows; r += 2)
        for (int64_t j = 0; j < limit; j += LANES)
            store(
                to + r / 2 * row + j,
                pairs(load(scores + r * row + j), r + 1 < rows ? load(scores + (r + 1) * row + j) : splat(0)));
}

// The address of saved bfloat16 vectors: the queries of a head of the group, or after these the keys, then the values.
ALWAYS_INLINE float *NAME(rounded_start)(const gpt_attention *a, const sequence *s, int64_t kv_head, int64_t part) {
    const int64_t group = group_size(a), values = part - group;
    const int64_t before = a->kv_heads * (group * s->first_query + 2 * s->first_key)
        + kv_head * (group * s->queries + 2 * s->keys)
        + (part <= group ? part * s->queries : group * s->queries + values * s->keys);
    return a->rounded + before * saved_words(GPT_BFLOAT16, a->size);
}

// Saves rows of floats as pairs of bfloat16.
ALWAYS_INLINE void NAME(save_rows)(float *to, const float *from, int64_t from_row, int64_t rows, int64_t size) {
    for (int64_t r = 0; r < rows; r++) save_row(to + r * saved_words(GPT_BFLOAT16, size), from + r * from_row, size);
}

// Converts rows of saved words to floats, `width` apart.
ALWAYS_INLINE void NAME(spread_rows)(float *to, int64_t width, const float *words, int64_t rows, int64_t size) {
    const int64_t row = saved_words(GPT_BFLOAT16, size);
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < size; j += 2 * LANES) {
            vf first, second;
            spread_pairs(load_up_to(words + r * row + j / 2, row - j / 2), &first, &second);
            store_some(to + r * width + j, first, size - j);
            store_some(to + r * width + j + LANES, second, size - j - LANES);
        }
}

// One head of keys and values with its group of query heads, many queries.
static void NAME(attention_forward)(void *context, int64_t item) {
    const gpt_attention *a = &((const attention *)context)->a;
    const int32_t precision = a->precision;
    const sequence s = sequence_of(a, item / a->kv_heads);
    const int64_t batch = s.batch, kv_head = item % a->kv_heads, size = a->size, keys = s.keys;
    const int64_t size_words = words_of(precision, size), key_words = words_of(precision, keys);
    const int64_t block = query_block(a, &s), score_row = PADDED(keys);
    float *packed_k = gpt_scratch(
        GPT_SCRATCH_OPERATION,
        size_words * PADDED(keys) + key_words * PADDED(size) + block * (score_row + size_words));
    float *packed_v = packed_k + size_words * PADDED(keys);
    float *scores = packed_v + key_words * PADDED(size), *rounded_q = scores + block * score_row;
    NAME(pack_all)(precision, packed_k, key_start(a, batch, kv_head), 1, a->k.row, size, keys);
    NAME(pack_all)(precision, packed_v, value_start(a, batch, kv_head), a->v.row, 1, keys, size);
    if (a->rounded) {
        float *to = NAME(rounded_start)(a, &s, kv_head, group_size(a));
        NAME(save_rows)(to, key_start(a, batch, kv_head), a->k.row, keys, size);
        to += keys * saved_words(GPT_BFLOAT16, size);
        NAME(save_rows)(to, value_start(a, batch, kv_head), a->v.row, keys, size);
    }
    // The blocks of queries of all heads of the group, one after another.
    const int64_t blocks = (s.queries + block - 1) / block;
    for (int64_t i = 0; i < group_size(a) * blocks; i++) {
        const int64_t head = kv_head * group_size(a) + i / blocks, first = i % blocks * block;
        const int64_t rows = s.queries - first < block ? s.queries - first : block;
        const int64_t limit = visible_keys(a, &s, first + rows - 1);
        const float *q = head_start(a->q, a->query_starts, batch, head) + first * a->q.row;
        float *words = rounded_q;
        if (a->rounded) {
            float *saved = NAME(rounded_start)(a, &s, kv_head, i / blocks) + first * saved_words(GPT_BFLOAT16, size);
            // Where pairs are what is multiplied, rounding for the product is saving.
            if (IS_PAIRED(precision)) words = saved;
            else NAME(save_rows)(saved, q, a->q.row, rows, size);
        }
        const left_factor queries = NAME(factor)(precision, words, q, a->q.row, rows, size);
        multiply_packed(
            precision, rows, PADDED(limit), size_words, queries.start, queries.row, 1, packed_k, size_words, keys,
            scores, score_row, false);
        for (int64_t r = 0; r < rows; r++) {
            const int64_t visible = visible_keys(a, &s, first + r);
            float *row = scores + r * score_row;
            if (a->slopes)
                NAME(subtract_distances)(row, visible, a->scale, a->slopes[head], first + r + s.offset);
            NAME(softmax)(row, visible, limit, a->slopes ? 1 : a->scale, statistics_of(a, &s, head, first + r));
        }
        NAME(round_scores)(precision, scores, score_row, rows, limit);
        multiply_packed(
            precision, rows, size, words_of(precision, limit), scores, score_row, 1, packed_v, key_words, size,
            head_start(a->out, a->query_starts, batch, head) + first * a->out.row, a->out.row, false);
    }
}

// The same for few queries: keys and values are read once, in place, as they are in a key/value cache. Nothing is
// rounded in any precision: reading the floats is what takes the time.
static void NAME(attention_few)(void *context, int64_t item) {
    const gpt_attention *a = &((const attention *)context)->a;
    const sequence s = sequence_of(a, item / a->kv_heads);
    const int64_t batch = s.batch, kv_head = item % a->kv_heads, size = a->size;
    const float *k = key_start(a, batch, kv_head), *v = value_start(a, batch, kv_head);
    float *scores = gpt_scratch(GPT_SCRATCH_OPERATION, PADDED(s.keys));
    for (int64_t i = 0; i < group_size(a) * s.queries; i++) {
        const int64_t head = kv_head * group_size(a) + i / s.queries, query = i % s.queries;
        const float *q = head_start(a->q, a->query_starts, batch, head) + query * a->q.row;
        float *out = head_start(a->out, a->query_starts, batch, head) + query * a->out.row;
        const int64_t visible = visible_keys(a, &s, query);
        for (int64_t j = 0; j < visible; j += LANES) {
            // LANES partial dot products at a time, transposed so that their horizontal sums become vertical ones.
            vf parts[LANES];
            for (int i = 0; i < LANES; i++) {
                const float *key = k + (j + i < visible ? j + i : visible - 1) * a->k.row;
                vf part = splat(0);
                for (int64_t p = 0; p < size; p += LANES)
                    part = load_up_to(q + p, size - p) * load_up_to(key + p, size - p) + part;
                parts[i] = part;
            }
            transpose(parts);
            vf dots = parts[0];
            for (int i = 1; i < LANES; i++) dots += parts[i];
            store(scores + j, dots);
        }
        if (a->slopes) NAME(subtract_distances)(scores, visible, a->scale, a->slopes[head], query + s.offset);
        NAME(softmax)(scores, visible, visible, a->slopes ? 1 : a->scale, NULL);
        int64_t p = 0;
        for (; p + 4 * LANES <= size; p += 4 * LANES) {
            vf sums[4] = {splat(0), splat(0), splat(0), splat(0)};
            for (int64_t j = 0; j < visible; j++)
                for (int i = 0; i < 4; i++) sums[i] = scores[j] * load(v + j * a->v.row + p + i * LANES) + sums[i];
            for (int i = 0; i < 4; i++) store(out + p + i * LANES, sums[i]);
        }
        for (; p < size; p += LANES) {
            vf total = splat(0);
            for (int64_t j = 0; j < visible; j++)
                total = scores[j] * load_up_to(v + j * a->v.row + p, size - p) + total;
            store_up_to(out + p, total, size - p);
        }
    }
}

// Writes rows of a padded block to the rows from `first` on of a head's gradient, if that is wanted.
static void NAME(store_gradient)(
    const float *from, int64_t from_row, const gpt_heads_gradient *to, const int64_t *starts, int64_t batch, int64_t head,
    int64_t first, int64_t rows, int64_t size) {
    if (!to->at.start) return;
    float *start = head_start(to->at, starts, batch, head) + first * to->at.row;
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < size; j += LANES) {
            vf x = load(from + r * from_row + j);
            float *at = start + r * to->at.row + j;
            store_up_to(at, to->add ? load_up_to(at, size - j) + x : x, size - j);
        }
}

static void NAME(attention_backward)(void *context, int64_t item) {
    const attention *g = context;
    const gpt_attention *a = &g->a;
    const int32_t precision = a->precision;
    const sequence s = sequence_of(a, item / a->kv_heads);
    const int64_t batch = s.batch, kv_head = item % a->kv_heads, size = a->size, keys = s.keys;
    const int64_t size_words = words_of(precision, size), key_words = words_of(precision, keys);
    const int64_t block = query_block(a, &s), score_row = PADDED(keys), width = PADDED(size);
    const float *k = key_start(a, batch, kv_head), *v = value_start(a, batch, kv_head);
    int64_t k_row = a->k.row, v_row = a->v.row;

    float *columns_k = gpt_scratch(
        GPT_SCRATCH_OPERATION,
        2 * size_words * score_row + (key_words + 2 * keys) * width + 3 * block * score_row
            + block * (3 * width + 2 * size_words) + (a->rounded ? (2 * keys + block) * width : 0));
    float *columns_v = columns_k + size_words * score_row, *rows_k = columns_v + size_words * score_row;
    float *d_k = rows_k + key_words * width, *d_v = d_k + keys * width;
    float *p = d_v + keys * width, *d_s = p + block * score_row, *paired_d_s = d_s + block * score_row;
    float *block_q = paired_d_s + block * score_row, *block_d_out = block_q + block * width;
    float *d_q = block_d_out + block * width, *rounded_q = d_q + block * width;
    float *rounded_d_out = rounded_q + block * size_words, *spread_q = rounded_d_out + block * size_words;
    if (a->rounded) {
        float *spread = spread_q + block * width;
        NAME(spread_rows)(spread, width, NAME(rounded_start)(a, &s, kv_head, group_size(a)), 2 * keys, size);
        k = spread, v = spread + keys * width, k_row = v_row = width;
    }
    // A transposed factor of pairs is in memory of its own. Otherwise its words are those of the factor.
    const float *transposed_d_s = IS_PAIRED(precision) ? paired_d_s : d_s;

    NAME(pack_all)(precision, columns_k, k, 1, k_row, size, keys);
    NAME(pack_all)(precision, columns_v, v, 1, v_row, size, keys);
    NAME(pack_all)(precision, rows_k, k, k_row, 1, keys, size);
    memset(d_k, 0, (size_t)(2 * keys * width) * sizeof(float));

    const int64_t blocks = (s.queries + block - 1) / block;
    for (int64_t i = 0; i < group_size(a) * blocks; i++) {
        const int64_t head = kv_head * group_size(a) + i / blocks, first = i % blocks * block;
        const int64_t rows = s.queries - first < block ? s.queries - first : block;
        const int64_t limit = visible_keys(a, &s, first + rows - 1), row_words = words_of(precision, rows);
        const float *q_here = head_start(a->q, a->query_starts, batch, head) + first * a->q.row;
        int64_t q_row = a->q.row;
        const float *out_here = head_start(a->out, a->query_starts, batch, head) + first * a->out.row;
        const float *d_out_here = head_start(g->d_out, a->query_starts, batch, head) + first * g->d_out.row;
        left_factor queries;
        if (a->rounded) {
            const int64_t row = saved_words(GPT_BFLOAT16, size);
            const float *saved = NAME(rounded_start)(a, &s, kv_head, i / blocks) + first * row;
            NAME(spread_rows)(spread_q, width, saved, rows, size);
            q_here = spread_q, q_row = width;
            queries = IS_PAIRED(precision) ? (left_factor){saved, row} : (left_factor){q_here, q_row};
        } else {
            queries = NAME(factor)(precision, rounded_q, q_here, q_row, rows, size);
        }
        const left_factor gradients = NAME(factor)(precision, rounded_d_out, d_out_here, g->d_out.row, rows, size);
        multiply_packed(
            precision, rows, PADDED(limit), size_words, queries.start, queries.row, 1, columns_k, size_words, keys, p,
            score_row, false);
        multiply_packed(
            precision, rows, PADDED(limit), size_words, gradients.start, gradients.row, 1, columns_v, size_words, keys,
            d_s, score_row, false);
        for (int64_t r = 0; r < rows; r++) {
            vf dots = splat(0);
            for (int64_t j = 0; j < size; j += LANES)
                dots = load_up_to(d_out_here + r * g->d_out.row + j, size - j)
                    * load_up_to(out_here + r * a->out.row + j, size - j) + dots;
            const float d = sum(dots);
            const float *statistics = statistics_of(a, &s, head, first + r);
            const int64_t visible = visible_keys(a, &s, first + r);
            float *p_row = p + r * score_row, *d_s_row = d_s + r * score_row;
            if (a->slopes)
                NAME(subtract_distances)(p_row, visible, a->scale, a->slopes[head], first + r + s.offset);
            NAME(exponentials)(p_row, visible, a->slopes ? 1 : a->scale, statistics[0]);
            for (int64_t j = 0; j < visible; j += LANES) {
                vf probability = load(p_row + j) * statistics[1];
                vf d_score = probability * (load(d_s_row + j) - d) * a->scale;
                store(p_row + j, probability);
                store(d_s_row + j, visible - j < LANES ? first_lanes(d_score, visible - j, 0) : d_score);
            }
            for (int64_t j = PADDED(visible); j < limit; j += LANES) {
                store(p_row + j, splat(0));
                store(d_s_row + j, splat(0));
            }
        }
        if (IS_PAIRED(precision)) {
            NAME(pair_rows)(p, p, score_row, rows, limit);
            NAME(pair_rows)(paired_d_s, d_s, score_row, rows, limit);
        } else {
            NAME(round_scores)(precision, p, score_row, rows, limit);
        }
        NAME(round_scores)(precision, d_s, score_row, rows, limit);
        NAME(pack_all)(precision, block_q, q_here, q_row, 1, rows, size);
        NAME(pack_all)(precision, block_d_out, d_out_here, g->d_out.row, 1, rows, size);
        multiply_packed(
            precision, limit, width, row_words, p, 1, score_row, block_d_out, row_words, size, d_v, width, true);
        multiply_packed(
            precision, limit, width, row_words, transposed_d_s, 1, score_row, block_q, row_words, size, d_k, width,
            true);
        multiply_packed(
            precision, rows, width, words_of(precision, limit), d_s, score_row, 1, rows_k, key_words, size, d_q, width,
            false);
        NAME(store_gradient)(d_q, width, &g->d_q, a->query_starts, batch, head, first, rows, size);
    }
    NAME(store_gradient)(d_k, width, &g->d_k, a->key_starts, batch, kv_head, 0, keys, size);
    NAME(store_gradient)(d_v, width, &g->d_v, a->key_starts, batch, kv_head, 0, keys, size);
}

#include "gemm_core_end.h"

#else

#define KERNEL_SOURCE "../ops/attention.c"
#include "each_instruction_set.h"

KERNEL_TABLE(attention_forward);
KERNEL_TABLE(attention_few);
KERNEL_TABLE(attention_backward);

void gpt_attention_forward(gpt_execution execution, const gpt_attention *a) {
    if (a->batch * a->heads * a->queries * a->keys * a->size < 32768) execution.threads = 1;
    attention context = {.a = *a};
    gpt_parallel(
        execution.threads, a->batch * a->kv_heads, attention_forward_table[execution.instruction_set], &context);
}

void gpt_attention_few(gpt_execution execution, const gpt_attention *a) {
    if (a->batch * a->heads * a->queries * a->keys * a->size < 32768) execution.threads = 1;
    attention context = {.a = *a};
    gpt_parallel(execution.threads, a->batch * a->kv_heads, attention_few_table[execution.instruction_set], &context);
}

void gpt_attention_backward(
    gpt_execution execution, const gpt_attention *a, gpt_heads d_out, gpt_heads_gradient d_q, gpt_heads_gradient d_k,
    gpt_heads_gradient d_v) {
    attention g = {.a = *a, .d_out = d_out, .d_q = d_q, .d_k = d_k, .d_v = d_v};
    gpt_parallel(execution.threads, a->batch * a->kv_heads, attention_backward_table[execution.instruction_set], &g);
}

#endif
