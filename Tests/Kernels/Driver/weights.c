// Products of every layout, and weights packed for generation: the checks of MatrixProductTests.swift and
// DecodingProductTests.swift.

#include "driver.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// x, or its transpose, as it lies in memory.
static float *laid_out(const float *x, int64_t rows, int64_t columns, bool is_transposed) {
    float *copy = guarded_copy(x, rows * columns);
    for (int64_t i = 0; is_transposed && i < rows * columns; i++) copy[i % columns * rows + i / columns] = x[i];
    return copy;
}

static matrix laid_out_matrix(const float *x, int64_t rows, int64_t columns, bool is_transposed) {
    float *copy = laid_out(x, rows, columns, is_transposed);
    return is_transposed ? transposed(matrix_of(copy, columns, rows)) : matrix_of(copy, rows, columns);
}

// One layout of the factors, in one precision.
static void check_layout(const vector_case *v, execution e, bool transposes_a, bool transposes_b) {
    const int64_t m = integer(v, "m"), n = integer(v, "n"), k = integer(v, "k");
    const bool is_rounded = e.precision == GPT_BFLOAT16;
    const double *expected = doubles(v, is_rounded ? "bfloat16" : "float32", NULL);
    const matrix a = laid_out_matrix(floats(v, "a", NULL), m, k, transposes_a);
    const matrix b = laid_out_matrix(floats(v, "b", NULL), k, n, transposes_b);
    float *one = guarded_copy(floats(v, "c", NULL), m * n), *three = guarded_copy(one, m * n);
    multiply(&e, a, b, NULL, matrix_of(one, m, n), true, (gpt_matmul){0});
    measure(is_rounded ? "values in bf16" : "values", largest_error(one, expected, m * n), 4e-6);
    e.kernels.threads = 3;
    multiply(&e, a, b, NULL, matrix_of(three, m, n), true, (gpt_matmul){0});
    require(same_bits(one, three, m * n), "three threads give other bits");
    if (!gpt_has_blas()) {
        execution other = e;
        other.by_blas = true;
        float *same = guarded_copy(floats(v, "c", NULL), m * n);
        multiply(&other, a, b, NULL, matrix_of(same, m, n), true, (gpt_matmul){0});
        require(same_bits(one, same, m * n), "without a library its product is another than that of the kernels");
    }

    // Packed before, which gives the bits of a product that is not halved; a transposed a may be.
    if (!transposes_a) {
        float *plain = guarded(m * n), *other = guarded(m * n), *panels = packed(&e, b);
        multiply(&e, a, b, NULL, matrix_of(plain, m, n), false, (gpt_matmul){0});
        multiply(&e, a, b, panels, matrix_of(other, m, n), false, (gpt_matmul){0});
        require(same_bits(plain, other, m * n), "packing the right factor beforehand changes the bits");
    }
    // The sums of columns of b, which is then a gradient.
    if (transposes_a && !transposes_b)
        for (int add = 0; add < 2; add++) {
            float *product = guarded(m * n), *sums = guarded(n);
            double *sums_expected = malloc((size_t)n * sizeof(double));
            if (!sums_expected) die("out of memory");
            for (int64_t j = 0; j < n; j++) {
                sums[j] = 3;
                sums_expected[j] = doubles(v, "column_sums", NULL)[j] + (add ? 3 : 0);
            }
            multiply(
                &e, a, b, NULL, matrix_of(product, m, n), false,
                (gpt_matmul){.column_sums = sums, .add_column_sums = add});
            measure("column sums", largest_error(sums, sums_expected, n), 2e-6);
            free(sums_expected);
        }
    // A product over nothing, on top of what is there, is the epilogue alone: what Accelerate leaves to the kernel.
    const float *c = floats(v, "c", NULL);
    float *plain = guarded_copy(c, m * n), *sum = guarded_copy(c, m * n), *bias = guarded_copy(c, n);
    const matrix no_columns = matrix_of(a.at, m, 0), no_rows = matrix_of(b.at, 0, n);
    multiply(&e, no_columns, no_rows, NULL, matrix_of(plain, m, n), true, (gpt_matmul){0});
    multiply(&e, no_columns, no_rows, NULL, matrix_of(sum, m, n), true, (gpt_matmul){.bias = bias, .residual = c});
    bool is_sum = same_bits(plain, c, m * n);
    for (int64_t i = 0; i < m * n; i++) is_sum = is_sum && sum[i] == c[i] + c[i % n] + c[i];
    require(is_sum, "a product over nothing is not its epilogue");
    release_guarded();
}

void product(const vector_case *v) {
    execution executions[8];
    const int64_t sets = all_executions(executions);
    for (int64_t i = 0; i < sets; i++) {
        execution e = executions[i];
        begin_set(e.set);
        for (e.precision = GPT_FLOAT32; e.precision <= GPT_BFLOAT16; e.precision++)
            for (int layout = 0; layout < 4; layout++) check_layout(v, e, layout & 1, layout & 2);
    }
}

// A weight packed in a format, by some threads.
static char *pack(gpt_execution kernels, int32_t format, matrix w) {
    const int64_t size = gpt_packed_bytes(format, w.rows, w.columns);
    char *memory = (char *)guarded((size + 3) / 4);
    gpt_pack_weight(kernels, format, w.rows, w.columns, w.at, w.row, w.column, memory);
    return memory;
}

// The numbers that a packed weight stands for, which are compared with the weight.
static float *unpacked(const vector_case *v, gpt_execution kernels, int32_t format, const char *packed) {
    const int64_t I = integer(v, "inputs"), O = integer(v, "outputs");
    const float *weight = floats(v, "weight", NULL);
    float *values = guarded(I * O);
    gpt_unpack_weight(kernels, format, I, O, packed, values);
    if (format == GPT_WEIGHT_BFLOAT16) {
        require(same_bits(values, floats(v, "bfloat16", NULL), I * O), "a packed weight is not the nearest bfloat16");
        return values;
    }
    const double *bounds = doubles(v, "int8_error", NULL);
    double worst = 0;
    for (int64_t i = 0; i < I * O; i++) {
        const double error = fabs((double)values[i] - weight[i]) / (bounds[i] > 0 ? bounds[i] : 1);
        if (!(error <= worst)) worst = error;
    }
    measure("int8, of half a scale", worst, 1);
    return values;
}

// relu(x W + b) for some rows, against sums in double of the numbers that the kernel multiplies.
static void check_rows(
    const vector_case *v, const execution *e, int32_t format, matrix w, const char *memory, const float *values,
    int64_t rows) {
    static const char *const names[] = {"x", "x_bfloat16", "x_int8"};
    static const char *const measures[] = {"values", "values in bf16", "values in int8"};
    const int64_t I = w.rows, O = w.columns;
    const float *factors = floats(v, names[format], NULL), *all_bias = floats(v, "bias", NULL);
    const float *bias = guarded_copy(all_bias, O);
    float *x = guarded_copy(floats(v, "x", NULL), rows * I), *y[2];
    for (int many = 0; many < 2; many++) {
        y[many] = guarded(rows * O);
        gpt_gemv g = {
            .m = rows, .n = O, .k = I, .x = x, .weight = format, .w = memory, .row = w.row, .column = w.column,
            .bias = bias, .activation = GPT_RELU, .y = y[many],
        };
        gpt_execution kernels = e->kernels;
        kernels.threads = many ? 3 : 1;
        gpt_gemv_run(kernels, &g);
    }
    require(same_bits(y[0], y[1], rows * O), "three threads give other bits");
    double worst = 0;
    for (int64_t i = 0; i < rows * O; i++) {
        double sum = bias[i % O], size = fabs(sum);
        for (int64_t p = 0; p < I; p++) {
            const double term = (double)factors[i / O * I + p] * values[p * O + i % O];
            sum += term;
            size += fabs(term);
        }
        const double error = fabs(y[0][i] - (sum > 0 ? sum : 0)) / size;
        if (!(error <= worst)) worst = error;
    }
    measure(measures[format], worst, 1e-6);
}

void decoding(const vector_case *v) {
    static const int64_t counts[] = {1, 2, 3, 4, 5, 6, 7, 11, 12};
    const int64_t I = integer(v, "inputs"), O = integer(v, "outputs");
    const float *weight = floats(v, "weight", NULL);
    execution executions[8];
    const int64_t sets = all_executions(executions);
    for (int64_t i = 0; i < sets; i++) {
        const execution *e = &executions[i];
        begin_set(e->set);
        for (int32_t format = GPT_WEIGHT_FLOAT32; format <= GPT_WEIGHT_INT8; format++)
            for (int is_transposed = 0; is_transposed < 2; is_transposed++) {
                const matrix w = laid_out_matrix(weight, I, O, is_transposed);
                const bool is_packed = format != GPT_WEIGHT_FLOAT32;
                const char *memory = is_packed ? pack(e->kernels, format, w) : (const char *)w.at;
                const float *values = is_packed ? unpacked(v, e->kernels, format, memory) : weight;
                for (size_t j = 0; j < sizeof counts / sizeof counts[0]; j++)
                    check_rows(v, e, format, w, memory, values, counts[j]);
                release_guarded();
            }
    }
}

void packing(const vector_case *v) {
    const int64_t I = integer(v, "inputs"), O = integer(v, "outputs");
    const matrix w = matrix_of(floats(v, "weight", NULL), I, O);
    execution executions[8];
    const int64_t sets = all_executions(executions);
    for (int64_t i = 0; i < sets; i++) {
        begin_set(executions[i].set);
        for (int32_t format = GPT_WEIGHT_BFLOAT16; format <= GPT_WEIGHT_INT8; format++)
            unpacked(v, executions[i].kernels, format, pack(executions[i].kernels, format, w));
        release_guarded();
    }
}
