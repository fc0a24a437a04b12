// Attention and CachedAttention of Sources/Tensors/Operations.

#include "driver.h"

#include <math.h>
#include <string.h>

// The vectors of heads in rows of a tensor, from a column on.
static gpt_heads heads_in(float *at, int64_t rows, int64_t width, int64_t size) {
    return (gpt_heads){.start = at, .batch = rows * width, .row = width, .head = size};
}

void attention(pass *p) {
    const vector_case *v = p->vector;
    const int64_t heads = integer(v, "heads"), kv_heads = integer(v, "kv_heads");
    const bool is_fused = p->inputs == 1, records = p->mode == TRAINING;
    const bool has_lengths = has(v, "query_starts"), is_rounded = p->run.precision == GPT_BFLOAT16;
    const int64_t B = p->input[0].shape[0], T = p->input[0].shape[1], width = p->input[0].columns;
    const int64_t size = width / (is_fused ? heads + 2 * kv_heads : heads), S = is_fused ? T : p->input[1].shape[1];
    // The input of each part, and its first column there.
    const int64_t input[3] = {0, is_fused ? 0 : 1, is_fused ? 0 : 2};
    const int64_t column[3] = {0, is_fused ? heads * size : 0, is_fused ? (heads + kv_heads) * size : 0};
    gpt_heads parts[3];
    for (int i = 0; i < 3; i++) {
        const tensor *t = &p->input[input[i]];
        parts[i] = heads_in(t->at + column[i], t->shape[1], t->columns, size);
    }
    gpt_attention a = {
        .batch = B, .heads = heads, .kv_heads = kv_heads, .queries = T, .keys = S, .size = size,
        .mask = integer(v, "causal") ? GPT_MASK_CAUSAL : GPT_MASK_FULL, .precision = p->run.precision,
        .scale = (float)(1 / sqrt((double)size)), .slopes = optional_floats(v, "slopes"),
        .q = parts[0], .k = parts[1], .v = parts[2], .out = heads_in(p->output, T, heads * size, size),
    };
    if (has_lengths) {
        int64_t count;
        a.query_starts = integers(v, "query_starts", &count);
        a.key_starts = integers(v, "key_starts", NULL);
        a.batch = count - 1;
        a.queries = integer(v, "longest_query");
        a.keys = integer(v, "longest_key");
    }
    if (records) {
        a.statistics = guarded(B * heads * T * 2);
        if (is_rounded) a.rounded = guarded(B * (heads * T + 2 * kv_heads * S) * ((size + 1) / 2));
    }
    gpt_attention_forward(p->run.kernels, &a);
    if (!records) return;
    // In bfloat16 backward reads the rounded copies alone.
    if (is_rounded) a.q = a.k = a.v = (gpt_heads){0};
    gpt_heads_gradient gradients[3];
    for (int i = 0; i < 3; i++) {
        const destination to = p->gradient[input[i]];
        const tensor *t = &p->input[input[i]];
        gradients[i].at = heads_in(to.at + column[i], t->shape[1], t->columns, size);
        gradients[i].add = to.add;
    }
    gpt_attention_backward(
        p->run.kernels, &a, heads_in((float *)p->d_output, T, heads * size, size), gradients[0], gradients[1],
        gradients[2]);
}

// Some new queries of sequences that may differ in length, over a cache that contains NaN beyond what is filled.
void cached_attention(const vector_case *v) {
    const int64_t heads = integer(v, "heads"), kv_heads = integer(v, "kv_heads"), size = integer(v, "size");
    const int64_t new = integer(v, "new"), width = kv_heads * size, few = 3, spare = 3;
    int64_t B, count;
    const int64_t *pasts = integers(v, "pasts", &B);
    const double *expected = doubles(v, "output", &count);
    const float *all_keys = floats(v, "keys", NULL), *all_values = floats(v, "values", NULL);
    const float *all_queries = floats(v, "queries", NULL);
    gpt_cached_sequence sequences[16];
    if (B > 16) die("%s: too many sequences", v->name);
    execution executions[8];
    const int64_t sets = all_executions(executions);
    for (int64_t i = 0; i < sets; i++) {
        begin_set(executions[i].set);
        int64_t row = 0, longest = 0;
        for (int64_t b = 0; b < B; b++) {
            const int64_t length = pasts[b] + new;
            sequences[b] = (gpt_cached_sequence){
                .keys = guarded((length + spare) * width), .values = guarded((length + spare) * width), .past = pasts[b]};
            memcpy(sequences[b].keys, all_keys + row * width, (size_t)(length * width) * sizeof(float));
            memcpy(sequences[b].values, all_values + row * width, (size_t)(length * width) * sizeof(float));
            row += length;
            longest = length > longest ? length : longest;
        }
        float *queries = guarded_copy(all_queries, B * new * heads * size), *outputs[2];
        for (int many = 0; many < 2; many++) {
            outputs[many] = guarded(count);
            gpt_attention a = {
                .batch = B, .heads = heads, .kv_heads = kv_heads, .queries = new, .keys = longest, .size = size,
                .mask = GPT_MASK_CAUSAL, .precision = GPT_FLOAT32, .scale = (float)(1 / sqrt((double)size)),
                .slopes = optional_floats(v, "slopes"), .cached = sequences,
                .q = heads_in(queries, new, heads * size, size), .k = heads_in(NULL, 0, width, size),
                .v = heads_in(NULL, 0, width, size), .out = heads_in(outputs[many], new, heads * size, size),
            };
            gpt_execution kernels = executions[i].kernels;
            kernels.threads = many ? 3 : 1;
            (new <= few ? gpt_attention_few : gpt_attention_forward)(kernels, &a);
        }
        measure("values", largest_error(outputs[0], expected, count), 3e-6);
        require(same_bits(outputs[0], outputs[1], count), "three threads give other bits");
        release_guarded();
    }
}
