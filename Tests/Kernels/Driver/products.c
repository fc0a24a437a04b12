// Products of matrices as Sources/Tensors/Products calls them.

#include "driver.h"

matrix matrix_of(const float *at, int64_t rows, int64_t columns) {
    return (matrix){.at = (float *)at, .rows = rows, .columns = columns, .row = columns, .column = 1};
}

matrix rows_of(matrix m, int64_t first, int64_t count) {
    m.at += first * m.row;
    m.rows = count;
    return m;
}

matrix transposed(matrix m) {
    return (matrix){.at = m.at, .rows = m.columns, .columns = m.rows, .row = m.column, .column = m.row};
}

int64_t chunk_rows(int64_t rows, int64_t columns, int64_t elements) {
    const int64_t block = 96, most = elements / columns;
    const int64_t whole = most >= block ? most / block * block : most, size = rows < whole ? rows : whole;
    return size > 1 ? size : 1;
}

destination chunk_sum(destination all, int64_t first_row) {
    return (destination){.at = all.at, .add = all.add || first_row > 0};
}

// A product with b on the right.
static gpt_matmul with_right(const execution *e, matrix b, gpt_matmul rest) {
    rest.precision = e->precision;
    rest.n = b.columns;
    rest.k = b.rows;
    rest.b = b.at;
    rest.b_row = b.row;
    rest.b_column = b.column;
    return rest;
}

float *packed(const execution *e, matrix b) {
    if (e->by_blas) return NULL;
    const gpt_matmul product = with_right(e, b, (gpt_matmul){0});
    float *panels = guarded(gpt_matmul_packed_size(e->kernels, &product));
    gpt_matmul_pack(e->kernels, &product, panels);
    return panels;
}

void multiply(
    const execution *e, matrix a, matrix b, const float *packed, matrix c, bool add, gpt_matmul rest) {
    gpt_matmul product = with_right(e, b, rest);
    product.m = a.rows;
    product.a = a.at;
    product.a_row = a.row;
    product.a_column = a.column;
    product.packed_b = packed;
    product.c = c.at;
    product.c_row = c.row;
    product.accumulate = add;
    (e->by_blas ? gpt_matmul_run_by_blas : gpt_matmul_run)(e->kernels, &product);
}

void weight_gradients(
    const execution *e, destination weight, bool is_transposed, destination bias, matrix x, matrix d_y) {
    if (is_transposed) {
        const matrix to = matrix_of(weight.at, d_y.columns, x.columns);
        multiply(e, transposed(d_y), x, NULL, to, weight.add, (gpt_matmul){0});
        if (bias.at) gpt_column_sums(e->kernels, d_y.rows, d_y.columns, d_y.at, bias.at, bias.add);
    } else {
        const matrix to = matrix_of(weight.at, x.columns, d_y.columns);
        const gpt_matmul sums = {.column_sums = bias.at, .add_column_sums = bias.add};
        multiply(e, transposed(x), d_y, NULL, to, weight.add, sums);
    }
}

void decoding_product(
    const execution *e, matrix x, matrix w, const float *bias, int32_t activation, const float *factor,
    const float *residual, float *y) {
    const int64_t most_rows = 16;
    if (x.rows > most_rows) {
        execution exact = *e;
        exact.precision = GPT_FLOAT32;
        multiply(
            &exact, x, w, NULL, matrix_of(y, x.rows, w.columns), false,
            (gpt_matmul){.bias = bias, .activation = activation, .factor = factor, .residual = residual});
        return;
    }
    const gpt_gemv product = {
        .m = x.rows, .n = w.columns, .k = w.rows, .x = x.at, .weight = GPT_WEIGHT_FLOAT32, .w = w.at, .row = w.row,
        .column = w.column, .bias = bias, .activation = activation, .factor = factor, .residual = residual, .y = y,
    };
    gpt_gemv_run(e->kernels, &product);
}

saved_rows save_rows(const execution *e, int64_t rows, int64_t columns) {
    const int64_t width = e->precision == GPT_BFLOAT16 ? (columns + 1) / 2 : columns;
    return (saved_rows){.words = guarded(rows * width), .width = width, .precision = e->precision};
}

float *saved_from(saved_rows saved, int64_t row) { return saved.words ? saved.words + row * saved.width : NULL; }
