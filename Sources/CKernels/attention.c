// Attention. For each head of each sequence, with S = scale Q K', P = softmax(S) over the keys a query may see:
//
//     forward    O = P V,  keeping of each row of S its maximum and the sum of exponentials
//     backward   P made anew from them, to the same bits;   dV = P' dO;   dP = dO V'
//                dS = P (dP - D), D = rowsum(dO O);   dQ = scale dS K;   dK = scale dS' Q
//
// (Dao et al., "FlashAttention", 2022, for the recomputation and D.) A head is one item of work: K and V are packed
// once, and the queries taken in blocks whose scores stay in cache. With causal masking a block needs only the keys up
// to its last query, so half of the products are never made.

#include "attention.h"
#include "threads.h"

#ifndef SIMD

enum { QUERY_BLOCK = 24, FEW_QUERIES = 3 };

typedef struct {
    gpt_attention a;
    gpt_heads d_out, d_q, d_k, d_v;    // for the backward pass
    bool add;
} GPT_CONTEXT attention;

// The start of the vectors of one head of one sequence.
static inline float *head_start(gpt_heads x, int64_t batch, int64_t head) {
    return x.start + batch * x.batch + head * x.head;
}

// How many keys the query may see.
static inline int64_t visible_keys(const gpt_attention *a, int64_t query) {
    const int64_t seen = query + a->offset + 1;
    return a->mask == GPT_MASK_FULL || seen > a->keys ? a->keys : seen;
}

#endif

#ifdef SIMD

#include "gemm_core.h"

// scores[0 ..< visible] becomes exp(scale scores - maximum), which forward and backward compute to the same bits. Their
// sum is returned.
static float NAME(exponentials)(float *scores, int64_t visible, float scale, float maximum) {
    vf totals = splat(0);
    int64_t j = 0;
    for (; j + LANES <= visible; j += LANES) {
        vf e = vexp(load(scores + j) * scale - maximum);
        store(scores + j, e);
        totals += e;
    }
    float total = sum(totals);
    if (j < visible) {
        float rest[LANES];
        store(rest, vexp(load_up_to(scores + j, visible - j) * scale - maximum));
        for (int64_t i = 0; i < visible - j; i++) total += scores[j + i] = rest[i];
    }
    return total;
}

// scores[0 ..< visible] becomes softmax(scale scores), the rest up to `limit` 0. Where it is wanted, what makes the same
// softmax anew from the same scores is kept: the maximum, and one over the sum.
static void NAME(softmax)(float *scores, int64_t visible, int64_t limit, float scale, float *kept) {
    vf highest = splat(-INFINITY);
    int64_t j = 0;
    for (; j + LANES <= visible; j += LANES) highest = vmax(load(scores + j), highest);
    float maximum = largest(highest);
    for (; j < visible; j++) maximum = scores[j] > maximum ? scores[j] : maximum;
    maximum *= scale;
    const float factor = 1 / NAME(exponentials)(scores, visible, scale, maximum);
    for (j = 0; j < visible; j += LANES)
        store_up_to(scores + j, load_up_to(scores + j, visible - j) * factor, visible - j);
    for (j = visible; j < limit; j++) scores[j] = 0;
    if (kept) {
        kept[0] = maximum;
        kept[1] = factor;
    }
}

// One head, many queries.
static void NAME(attention_forward)(void *context, int64_t item) {
    const gpt_attention *a = &((const attention *)context)->a;
    const int64_t batch = item / a->heads, head = item % a->heads, size = a->size, keys = a->keys;
    const float *q = head_start(a->q, batch, head);
    float *out = head_start(a->out, batch, head);
    const int64_t score_row = PADDED(keys);
    float *packed_k = gpt_scratch(
        GPT_SCRATCH_OPERATION, size * PADDED(keys) + keys * PADDED(size) + QUERY_BLOCK * score_row);
    float *packed_v = packed_k + size * PADDED(keys);
    float *scores = packed_v + keys * PADDED(size);
    NAME(pack_all)(GPT_FLOAT32, packed_k, head_start(a->k, batch, head), 1, a->k.row, size, keys);
    NAME(pack_all)(GPT_FLOAT32, packed_v, head_start(a->v, batch, head), a->v.row, 1, keys, size);
    for (int64_t first = 0; first < a->queries; first += QUERY_BLOCK) {
        const int64_t rows = a->queries - first < QUERY_BLOCK ? a->queries - first : QUERY_BLOCK;
        const int64_t limit = visible_keys(a, first + rows - 1);
        multiply_packed(
            GPT_FLOAT32,            rows, PADDED(limit), size, q + first * a->q.row, a->q.row, 1, packed_k, size, keys, scores, score_row, false);
        for (int64_t r = 0; r < rows; r++)
            NAME(softmax)(
                scores + r * score_row, visible_keys(a, first + r), limit, a->scale,
                a->statistics ? a->statistics + 2 * (item * a->queries + first + r) : NULL);
        multiply_packed(
            GPT_FLOAT32,            rows, size, limit, scores, score_row, 1, packed_v, keys, size, out + first * a->out.row, a->out.row, false);
    }
}

// One head, few queries: keys and values are read once, in place, as they lie in a cache.
static void NAME(attention_few)(void *context, int64_t item) {
    const gpt_attention *a = &((const attention *)context)->a;
    const int64_t batch = item / a->heads, head = item % a->heads, size = a->size;
    const float *k = head_start(a->k, batch, head), *v = head_start(a->v, batch, head);
    float *scores = gpt_scratch(GPT_SCRATCH_OPERATION, PADDED(a->keys));
    for (int64_t query = 0; query < a->queries; query++) {
        const float *q = head_start(a->q, batch, head) + query * a->q.row;
        float *out = head_start(a->out, batch, head) + query * a->out.row;
        const int64_t visible = visible_keys(a, query);
        for (int64_t j = 0; j < visible; j += LANES) {
            // LANES partial dot products at a time; the transposition turns their horizontal sums into vertical ones.
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
        NAME(softmax)(
            scores, visible, visible, a->scale, a->statistics ? a->statistics + 2 * (item * a->queries + query) : NULL);
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

// Rows of a padded block to where a gradient is wanted.
static void NAME(deliver)(
    const float *from, int64_t from_row, float *to, int64_t to_row, int64_t rows, int64_t size, bool add) {
    for (int64_t r = 0; r < rows; r++)
        for (int64_t j = 0; j < size; j += LANES) {
            vf x = load(from + r * from_row + j);
            float *at = to + r * to_row + j;
            store_up_to(at, add ? load_up_to(at, size - j) + x : x, size - j);
        }
}

static void NAME(attention_backward)(void *context, int64_t item) {
    const attention *g = context;
    const gpt_attention *a = &g->a;
    const int64_t batch = item / a->heads, head = item % a->heads, size = a->size, keys = a->keys;
    const float *q = head_start(a->q, batch, head), *k = head_start(a->k, batch, head);
    const float *v = head_start(a->v, batch, head), *out = head_start(a->out, batch, head);
    const float *d_out = head_start(g->d_out, batch, head);
    const int64_t score_row = PADDED(keys), width = PADDED(size);

    float *columns_k = gpt_scratch(
        GPT_SCRATCH_OPERATION,
        2 * size * PADDED(keys) + 3 * keys * width + 2 * QUERY_BLOCK * score_row + 3 * QUERY_BLOCK * width);
    float *columns_v = columns_k + size * PADDED(keys);
    float *rows_k = columns_v + size * PADDED(keys);
    float *d_k = rows_k + keys * width, *d_v = d_k + keys * width;
    float *p = d_v + keys * width, *d_s = p + QUERY_BLOCK * score_row;
    float *block_q = d_s + QUERY_BLOCK * score_row, *block_d_out = block_q + QUERY_BLOCK * width;
    float *d_q = block_d_out + QUERY_BLOCK * width;

    NAME(pack_all)(GPT_FLOAT32, columns_k, k, 1, a->k.row, size, keys);
    NAME(pack_all)(GPT_FLOAT32, columns_v, v, 1, a->v.row, size, keys);
    NAME(pack_all)(GPT_FLOAT32, rows_k, k, a->k.row, 1, keys, size);
    memset(d_k, 0, (size_t)(2 * keys * width) * sizeof(float));

    for (int64_t first = 0; first < a->queries; first += QUERY_BLOCK) {
        const int64_t rows = a->queries - first < QUERY_BLOCK ? a->queries - first : QUERY_BLOCK;
        const int64_t limit = visible_keys(a, first + rows - 1);
        const float *q_here = q + first * a->q.row, *d_out_here = d_out + first * g->d_out.row;
        multiply_packed(GPT_FLOAT32, rows, PADDED(limit), size, q_here, a->q.row, 1, columns_k, size, keys, p, score_row, false);
        multiply_packed(
            GPT_FLOAT32,            rows, PADDED(limit), size, d_out_here, g->d_out.row, 1, columns_v, size, keys, d_s, score_row, false);
        for (int64_t r = 0; r < rows; r++) {
            vf dots = splat(0);
            for (int64_t j = 0; j < size; j += LANES)
                dots = load_up_to(d_out_here + r * g->d_out.row + j, size - j)
                    * load_up_to(out + (first + r) * a->out.row + j, size - j) + dots;
            const float d = sum(dots);
            const float *kept = a->statistics + 2 * (item * a->queries + first + r);
            const int64_t visible = visible_keys(a, first + r);
            float *p_row = p + r * score_row, *d_s_row = d_s + r * score_row;
            NAME(exponentials)(p_row, visible, a->scale, kept[0]);
            for (int64_t j = 0; j < visible; j += LANES) {
                vf probability = load(p_row + j) * kept[1];
                store(p_row + j, probability);
                store(d_s_row + j, probability * (load(d_s_row + j) - d) * a->scale);
            }
            for (int64_t j = visible; j < PADDED(limit); j++) p_row[j] = d_s_row[j] = 0;
        }
        multiply_packed(GPT_FLOAT32, rows, width, limit, d_s, score_row, 1, rows_k, keys, size, d_q, width, false);
        NAME(deliver)(
            d_q, width, head_start(g->d_q, batch, head) + first * g->d_q.row, g->d_q.row, rows, size, g->add);
        NAME(pack_all)(GPT_FLOAT32, block_q, q_here, a->q.row, 1, rows, size);
        NAME(pack_all)(GPT_FLOAT32, block_d_out, d_out_here, g->d_out.row, 1, rows, size);
        multiply_packed(GPT_FLOAT32, limit, width, rows, p, 1, score_row, block_d_out, rows, size, d_v, width, true);
        multiply_packed(GPT_FLOAT32, limit, width, rows, d_s, 1, score_row, block_q, rows, size, d_k, width, true);
    }
    NAME(deliver)(d_k, width, head_start(g->d_k, batch, head), g->d_k.row, keys, size, g->add);
    NAME(deliver)(d_v, width, head_start(g->d_v, batch, head), g->d_v.row, keys, size, g->add);
}

#include "gemm_core_end.h"

#else

#define KERNEL_SOURCE "../attention.c"
#include "each_instruction_set.h"

KERNEL_TABLE(attention_forward);
KERNEL_TABLE(attention_few);
KERNEL_TABLE(attention_backward);

void gpt_attention_forward(gpt_execution execution, const gpt_attention *a) {
    if (a->batch * a->heads * a->queries * a->keys * a->size < 32768) execution.threads = 1;
    attention context = {.a = *a};
    gpt_parallel(
        execution.threads, a->batch * a->heads,
        (a->queries <= FEW_QUERIES ? attention_few_table : attention_forward_table)[execution.instruction_set],
        &context);
}

void gpt_attention_backward(
    gpt_execution execution, const gpt_attention *a, gpt_heads d_out, gpt_heads d_q, gpt_heads d_k, gpt_heads d_v,
    bool add) {
    attention g = {.a = *a, .d_out = d_out, .d_q = d_q, .d_k = d_k, .d_v = d_v, .add = add};
    gpt_parallel(execution.threads, a->batch * a->heads, attention_backward_table[execution.instruction_set], &g);
}

#endif
