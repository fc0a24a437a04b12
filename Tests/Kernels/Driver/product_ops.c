// Ops that are made of products: what Linear, FeedForward, GatedFeedForward and CrossEntropy of Sources/Tensors/Operations
// do.

#include "driver.h"

#include <string.h>

// A weight as (inputs, outputs).
static matrix weight(const tensor *t, bool is_transposed) {
    const matrix m = matrix_of(t->at, t->rows, t->columns);
    return is_transposed ? transposed(m) : m;
}

// The packed weight that the products of several chunks share, or that serves many batches.
static float *shared_weight(const pass *p, matrix w, bool are_several) {
    return are_several || p->mode == SERVING ? packed(&p->run, w) : NULL;
}

void linear(pass *p) {
    const vector_case *v = p->vector;
    const bool has_bias = integer(v, "bias"), has_residual = integer(v, "residual");
    const bool is_transposed = integer(v, "transposed");
    const int64_t residual = has_bias ? 3 : 2, rows = p->input[0].rows;
    const matrix x = matrix_of(p->input[0].at, rows, p->input[0].columns), w = weight(&p->input[1], is_transposed);
    const float *bias = has_bias ? p->input[2].at : NULL, *addend = has_residual ? p->input[residual].at : NULL;
    if (p->mode == DECODING) {
        decoding_product(&p->run, x, w, bias, GPT_IDENTITY, NULL, addend, p->output);
        return;
    }
    multiply(
        &p->run, x, w, shared_weight(p, w, false), matrix_of(p->output, rows, w.columns), false,
        (gpt_matmul){.bias = bias, .residual = addend});
    if (p->mode != TRAINING) return;
    const matrix d_y = matrix_of(p->d_output, rows, w.columns);
    weight_gradients(
        &p->run, p->gradient[1], is_transposed, has_bias ? p->gradient[2] : (destination){0}, x, d_y);
    multiply(
        &p->run, d_y, transposed(w), NULL, matrix_of(p->gradient[0].at, rows, x.columns), p->gradient[0].add,
        (gpt_matmul){0});
    if (has_residual) share_gradient(p, residual);
}

void feed_forward(pass *p) {
    const vector_case *v = p->vector;
    const execution *e = &p->run;
    const bool has_bias = integer(v, "bias"), has_residual = integer(v, "residual");
    const bool is_transposed = integer(v, "transposed");
    const int32_t activation = (int32_t)integer(v, "activation");
    const int64_t second = has_bias ? 3 : 2, residual = has_bias ? 5 : 3, rows = p->input[0].rows;
    const matrix x = matrix_of(p->input[0].at, rows, p->input[0].columns);
    const matrix w1 = weight(&p->input[1], is_transposed), w2 = weight(&p->input[second], is_transposed);
    const float *bias1 = has_bias ? p->input[2].at : NULL, *bias2 = has_bias ? p->input[4].at : NULL;
    const float *addend = has_residual ? p->input[residual].at : NULL;
    const int64_t F = w1.columns, O = w2.columns;
    const matrix y = matrix_of(p->output, rows, O);
    if (p->mode == DECODING) {
        float *g = guarded(rows * F);
        decoding_product(e, x, w1, bias1, activation, NULL, NULL, g);
        decoding_product(e, matrix_of(g, rows, F), w2, bias2, GPT_IDENTITY, NULL, addend, p->output);
        return;
    }
    const int64_t chunk = chunk_rows(rows, F, integer(v, "chunk_elements"));
    const saved_rows h = p->mode == TRAINING ? save_rows(e, rows, F) : (saved_rows){0};
    float *packed1 = shared_weight(p, w1, chunk < rows), *packed2 = shared_weight(p, w2, chunk < rows);
    float *g = guarded(chunk * F);
    for (int64_t first = 0; first < rows; first += chunk) {
        const int64_t count = rows - first < chunk ? rows - first : chunk;
        const matrix these = matrix_of(g, count, F);
        multiply(
            e, rows_of(x, first, count), w1, packed1, these, false,
            (gpt_matmul){.bias = bias1, .activation = activation, .before = saved_from(h, first),
                .kept_precision = h.precision});
        multiply(
            e, these, w2, packed2, rows_of(y, first, count), false,
            (gpt_matmul){.bias = bias2, .residual = addend ? addend + first * O : NULL});
    }
    if (p->mode != TRAINING) return;

    const matrix d_x = matrix_of(p->gradient[0].at, rows, x.columns), d_output = matrix_of(p->d_output, rows, O);
    const destination none = {0};
    float *d_h = guarded(chunk * F), *activated = guarded(chunk * F);
    float *back2 = chunk < rows ? packed(e, transposed(w2)) : NULL;
    float *back1 = chunk < rows ? packed(e, transposed(w1)) : NULL;
    for (int64_t first = 0; first < rows; first += chunk) {
        const int64_t count = rows - first < chunk ? rows - first : chunk;
        const matrix these = matrix_of(d_h, count, F), d_y = rows_of(d_output, first, count);
        multiply(
            e, d_y, transposed(w2), back2, these, false,
            (gpt_matmul){.slope = activation, .slope_at = saved_from(h, first), .activated = activated,
                .kept_precision = h.precision});
        weight_gradients(
            e, chunk_sum(p->gradient[second], first), is_transposed,
            has_bias ? chunk_sum(p->gradient[4], first) : none, matrix_of(activated, count, F), d_y);
        weight_gradients(
            e, chunk_sum(p->gradient[1], first), is_transposed, has_bias ? chunk_sum(p->gradient[2], first) : none,
            rows_of(x, first, count), these);
        multiply(
            e, these, transposed(w1), back1, rows_of(d_x, first, count), p->gradient[0].add, (gpt_matmul){0});
    }
    if (has_residual) share_gradient(p, residual);
}

static void decode_gated(pass *p, matrix x, const matrix w[3], const float *const bias[3], const float *addend) {
    const int64_t F = w[0].columns;
    float *gate = guarded(x.rows * F), *g = guarded(x.rows * F);
    decoding_product(&p->run, x, w[0], bias[0], GPT_SILU, NULL, NULL, gate);
    decoding_product(&p->run, x, w[1], bias[1], GPT_IDENTITY, gate, NULL, g);
    decoding_product(&p->run, matrix_of(g, x.rows, F), w[2], bias[2], GPT_IDENTITY, NULL, addend, p->output);
}

void gated_feed_forward(pass *p) {
    const vector_case *v = p->vector;
    const execution *e = &p->run;
    const bool has_bias = integer(v, "bias"), has_residual = integer(v, "residual");
    const int64_t residual = has_bias ? 7 : 4, rows = p->input[0].rows;
    const matrix x = matrix_of(p->input[0].at, rows, p->input[0].columns);
    matrix w[3];
    const float *bias[3] = {NULL};
    for (int i = 0; i < 3; i++) {
        w[i] = weight(&p->input[1 + i], true);
        if (has_bias) bias[i] = p->input[4 + i].at;
    }
    const float *addend = has_residual ? p->input[residual].at : NULL;
    const int64_t F = w[0].columns, O = w[2].columns;
    const matrix y = matrix_of(p->output, rows, O);
    if (p->mode == DECODING) {
        decode_gated(p, x, w, bias, addend);
        return;
    }
    const int64_t chunk = chunk_rows(rows, F, integer(v, "chunk_elements"));
    const bool records = p->mode == TRAINING, are_several = chunk < rows;
    const saved_rows gates = records ? save_rows(e, rows, F) : (saved_rows){0};
    const saved_rows ups = records ? save_rows(e, rows, F) : (saved_rows){0};
    float *panels[3];
    for (int i = 0; i < 3; i++) panels[i] = are_several ? packed(e, w[i]) : NULL;
    float *opened = guarded(chunk * F), *g = guarded(chunk * F);
    for (int64_t first = 0; first < rows; first += chunk) {
        const int64_t count = rows - first < chunk ? rows - first : chunk;
        const matrix these = rows_of(x, first, count), product = matrix_of(g, count, F);
        multiply(
            e, these, w[0], panels[0], matrix_of(opened, count, F), false,
            (gpt_matmul){.bias = bias[0], .activation = GPT_SILU, .before = saved_from(gates, first),
                .kept_precision = gates.precision});
        multiply(
            e, these, w[1], panels[1], product, false,
            (gpt_matmul){.bias = bias[1], .before = saved_from(ups, first), .kept_precision = ups.precision,
                .factor = opened});
        multiply(
            e, product, w[2], panels[2], rows_of(y, first, count), false,
            (gpt_matmul){.bias = bias[2], .residual = addend ? addend + first * O : NULL});
    }
    if (!records) return;

    const matrix d_x = matrix_of(p->gradient[0].at, rows, x.columns), d_output = matrix_of(p->d_output, rows, O);
    float *d_gate = guarded(chunk * F), *d_up = guarded(chunk * F), *back[3];
    for (int i = 0; i < 3; i++) back[i] = are_several ? packed(e, transposed(w[i])) : NULL;
    for (int64_t first = 0; first < rows; first += chunk) {
        const int64_t count = rows - first < chunk ? rows - first : chunk;
        const matrix these = rows_of(x, first, count), d_y = rows_of(d_output, first, count);
        const matrix d_a = matrix_of(d_gate, count, F), d_u = matrix_of(d_up, count, F);
        const matrix to = rows_of(d_x, first, count);
        multiply(
            e, d_y, transposed(w[2]), back[2], d_a, false,
            (gpt_matmul){.slope = GPT_SILU, .slope_at = saved_from(gates, first), .activated = g,
                .gated_at = saved_from(ups, first), .d_gated = d_up, .kept_precision = gates.precision});
        const matrix outputs[3] = {d_a, d_u, d_y}, inputs[3] = {these, these, matrix_of(g, count, F)};
        for (int i = 0; i < 3; i++)
            weight_gradients(
                e, chunk_sum(p->gradient[1 + i], first), true,
                has_bias ? chunk_sum(p->gradient[4 + i], first) : (destination){0}, inputs[i], outputs[i]);
        multiply(e, d_a, transposed(w[0]), back[0], to, p->gradient[0].add, (gpt_matmul){0});
        multiply(e, d_u, transposed(w[1]), back[1], to, true, (gpt_matmul){0});
    }
    if (has_residual) share_gradient(p, residual);
}

// The loss of some rows of logits, which are replaced by their gradient where one is wanted.
static double loss_in_place(pass *p, float *logits, int64_t V, const int32_t *targets, int64_t rows) {
    double losses[4096], total = 0;
    if (rows > 4096) die("%s: too many rows", p->vector->name);
    gpt_cross_entropy(
        p->run.kernels, rows, V, logits, targets, losses, (float)number(p->vector, "smoothing"),
        p->mode == TRAINING ? p->loss_scale : 0);
    for (int64_t i = 0; i < rows; i++) total += losses[i];
    return total;
}

void cross_entropy(pass *p) {
    const vector_case *v = p->vector;
    const execution *e = &p->run;
    int64_t rows;
    const int32_t *targets = words(v, "targets", &rows);
    const bool records = p->mode == TRAINING;
    if (!integer(v, "classifier")) {
        const int64_t V = p->input[0].columns;
        float *work = guarded_copy(p->input[0].at, p->input[0].count);
        p->loss = loss_in_place(p, work, V, targets, rows);
        p->d_output = work;
        if (records) share_gradient(p, 0);
        return;
    }
    const bool has_bias = integer(v, "bias");
    const matrix hidden = matrix_of(p->input[0].at, rows, p->input[0].columns), w = weight(&p->input[1], false);
    const int64_t V = w.rows, chunk = chunk_rows(rows, V, integer(v, "chunk_elements"));
    const matrix d_hidden = matrix_of(p->gradient[0].at, rows, hidden.columns);
    float *logits = guarded(chunk * V);
    p->loss = 0;
    for (int64_t first = 0; first < rows; first += chunk) {
        const int64_t count = rows - first < chunk ? rows - first : chunk;
        const matrix these = rows_of(hidden, first, count), scores = matrix_of(logits, count, V);
        multiply(
            e, these, transposed(w), NULL, scores, false, (gpt_matmul){.bias = has_bias ? p->input[2].at : NULL});
        p->loss += loss_in_place(p, logits, V, targets + first, count);
        if (!records) continue;
        weight_gradients(
            e, chunk_sum(p->gradient[1], first), true,
            has_bias ? chunk_sum(p->gradient[2], first) : (destination){0}, these, scores);
        multiply(e, scores, w, NULL, rows_of(d_hidden, first, count), p->gradient[0].add, (gpt_matmul){0});
    }
}
