// Ops that are a kernel or two: what their files in Sources/Tensors/Operations do.

#include "driver.h"

#include <string.h>

void share_gradient(pass *p, int64_t input) {
    const destination to = p->gradient[input];
    const int64_t count = p->input[input].count;
    if (to.add) gpt_add(p->run.kernels, count, to.at, p->d_output, to.at);
    else memcpy(to.at, p->d_output, (size_t)count * sizeof(float));
}

void add(pass *p) {
    gpt_add(p->run.kernels, p->input[0].count, p->input[0].at, p->input[1].at, p->output);
    if (p->mode != TRAINING) return;
    share_gradient(p, 0);
    share_gradient(p, 1);
}

// Most rows of a table are not written, so a fresh gradient starts from zero.
static float *prepared(destination to, int64_t count) {
    if (!to.add) memset(to.at, 0, (size_t)count * sizeof(float));
    return to.at;
}

void embedding(pass *p) {
    const vector_case *v = p->vector;
    int64_t rows;
    const int32_t *ids = words(v, "ids", &rows), *row_positions = optional_words(v, "row_positions");
    const int64_t length = integer(v, "length"), offset = integer(v, "offset"), C = p->input[0].columns;
    const float scale = (float)number(v, "scale");
    const bool has_positions = integer(v, "positions");
    const float *positions = has_positions ? p->input[1].at : optional_floats(v, "sinusoids");
    gpt_embedding_forward(
        p->run.kernels, rows, length, C, offset, row_positions, ids, scale, p->input[0].at, positions, p->output);
    if (p->mode != TRAINING) return;
    gpt_embedding_backward(
        p->run.kernels, rows, length, C, offset, row_positions, ids, scale, p->d_output,
        prepared(p->gradient[0], p->input[0].count), NULL);
    if (!has_positions) return;
    gpt_embedding_backward(
        p->run.kernels, rows, length, C, offset, row_positions, ids, scale, p->d_output, NULL,
        prepared(p->gradient[1], p->input[1].count));
}

void select_rows(pass *p) {
    int64_t count;
    const int32_t *rows = words(p->vector, "rows", &count);
    const int64_t C = p->input[0].columns;
    gpt_embedding_forward(p->run.kernels, count, 1, C, 0, NULL, rows, 1, p->input[0].at, NULL, p->output);
    if (p->mode != TRAINING) return;
    gpt_embedding_backward(
        p->run.kernels, count, 1, C, 0, NULL, rows, 1, p->d_output, prepared(p->gradient[0], p->input[0].count), NULL);
}

void activate(pass *p) {
    const int32_t activation = (int32_t)integer(p->vector, "activation");
    const int64_t count = p->input[0].count;
    gpt_activation_forward(p->run.kernels, activation, count, p->input[0].at, p->output);
    if (p->mode != TRAINING) return;
    gpt_activation_backward(
        p->run.kernels, activation, count, p->d_output, p->input[0].at, p->gradient[0].at, p->gradient[0].add);
}

void rms_norm(pass *p) {
    const int64_t size = p->input[1].count, rows = p->input[0].count / size;
    const float epsilon = (float)number(p->vector, "epsilon");
    const float *x = p->input[0].at, *gamma = p->input[1].at;
    float *root = p->mode == TRAINING ? guarded(rows) : NULL;
    gpt_rmsnorm_forward(p->run.kernels, rows, size, epsilon, x, gamma, p->output, root);
    if (p->mode != TRAINING) return;
    gpt_rmsnorm_backward(
        p->run.kernels, rows, size, p->d_output, x, gamma, root, p->gradient[0].at, p->gradient[0].add,
        p->gradient[1].at, p->gradient[1].add);
}

void layer_norm(pass *p) {
    const int64_t rows = p->input[0].rows, C = p->input[0].columns;
    const float epsilon = (float)number(p->vector, "epsilon");
    const float *x = p->input[0].at, *gamma = p->input[1].at, *beta = p->input[2].at;
    float *mean = p->mode == TRAINING ? guarded(rows) : NULL;
    float *deviation = p->mode == TRAINING ? guarded(rows) : NULL;
    gpt_layernorm_forward(p->run.kernels, rows, C, epsilon, x, gamma, beta, p->output, mean, deviation);
    if (p->mode != TRAINING) return;
    const destination *to = p->gradient;
    gpt_layernorm_backward(
        p->run.kernels, rows, C, p->d_output, x, gamma, mean, deviation, to[0].at, to[0].add, to[1].at, to[1].add,
        to[2].at, to[2].add);
}

void rotary(pass *p) {
    const vector_case *v = p->vector;
    const int64_t rows = p->input[0].rows, length = p->input[0].shape[1], size = integer(v, "size");
    const int64_t heads = p->input[0].columns / size, offset = integer(v, "offset");
    const float *table = floats(v, "table", NULL);
    gpt_rotary(
        p->run.kernels, rows, length, heads, size, offset, NULL, p->input[0].at, table, false, p->output, false);
    // The same positions row by row, as for sequences that begin at different ones.
    int32_t *positions = (int32_t *)guarded(rows);
    for (int64_t i = 0; i < rows; i++) positions[i] = (int32_t)(i % length + offset);
    float *same = guarded(p->input[0].count);
    gpt_rotary(p->run.kernels, rows, 0, heads, size, 0, positions, p->input[0].at, table, false, same, false);
    require(same_bits(same, p->output, p->input[0].count), "positions of rows give other bits");
    if (p->mode == TRAINING)
        gpt_rotary(
            p->run.kernels, rows, length, heads, size, offset, NULL, p->d_output, table, true, p->gradient[0].at,
            p->gradient[0].add);
}

void dropout(pass *p) {
    const int64_t rows = p->input[0].rows, columns = p->input[0].columns;
    const uint64_t key = (uint64_t)integer(p->vector, "key");
    const float rate = (float)number(p->vector, "rate");
    gpt_dropout(p->run.kernels, rows, columns, 0, key, rate, p->input[0].at, p->output, false);
    if (p->mode == TRAINING)
        gpt_dropout(
            p->run.kernels, rows, columns, 0, key, rate, p->d_output, p->gradient[0].at, p->gradient[0].add);
}
