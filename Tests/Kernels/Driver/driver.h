// What the files of the driver share. It reads the vectors that KernelVectors writes, runs the kernels on them as the
// ops in Sources/Tensors do, with every instruction set of the machine, and compares.
#ifndef DRIVER_H
#define DRIVER_H

#include "CKernels.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// MARK: vectors.c, the file

enum { MOST_FIELDS = 64, MOST_INPUTS = 8, MOST_DIMENSIONS = 4 };

typedef struct {
    const char *name;
    int64_t type, count;
    const void *numbers;
} vector_field;

typedef struct {
    const char *kind, *title, *name;
    int64_t count;
    vector_field fields[MOST_FIELDS];
} vector_case;

typedef struct {
    const char *at, *end;
} vector_file;

vector_file open_vectors(const char *path);
bool next_case(vector_file *file, vector_case *vector);

// A field that must be there, or may be NULL (optional_...). Its count goes to `count`, which may be NULL.
bool has(const vector_case *vector, const char *name);
const float *floats(const vector_case *vector, const char *name, int64_t *count);
const float *optional_floats(const vector_case *vector, const char *name);
const double *doubles(const vector_case *vector, const char *name, int64_t *count);
const int64_t *integers(const vector_case *vector, const char *name, int64_t *count);
const int32_t *words(const vector_case *vector, const char *name, int64_t *count);
const int32_t *optional_words(const vector_case *vector, const char *name);
const int8_t *bytes(const vector_case *vector, const char *name, int64_t *count);
int64_t integer(const vector_case *vector, const char *name);
double number(const vector_case *vector, const char *name);
// "input3", until the next call.
const char *numbered(const char *name, int64_t i);

// MARK: memory.c

// Floats that end where memory does, so that a kernel that goes too far ends the driver. They are NaN until written.
float *guarded(int64_t count);
float *guarded_copy(const float *from, int64_t count);
void release_guarded(void);
// Zeros that processes started later share.
void *shared_memory(size_t bytes);

// MARK: report.c

_Noreturn void die(const char *format, ...) __attribute__((format(printf, 1, 2)));

// The case and the instruction set that following reports are about.
void begin_case(const vector_case *vector);
void begin_set(const char *set);

// A measured error. One that is larger than the tolerance, or no number, is a failure.
void measure(const char *what, double error, double tolerance);
// A condition that must hold.
void require(bool holds, const char *what);

// Prints the largest errors of the cases so far. `finish` returns how many failures there were.
void flush_report(void);
int64_t finish_report(void);

double root_mean_square(const double *x, int64_t count);
// The largest difference, relative to the expected element plus the root mean square of all.
double largest_error(const float *actual, const double *expected, int64_t count);
bool same_bits(const float *a, const float *b, int64_t count);

// MARK: coverage.c

// Begins to record which functions are run, in this process and those started later.
void begin_coverage(void);
// Reports every function of the headers that was not run, and prints what is left out. Returns the number of failures.
int64_t check_coverage(void);

// MARK: executions

typedef struct {
    const char *set;
    gpt_execution kernels;
    int32_t precision;
    bool by_blas;
} execution;

// Those of this machine, scalar first; the last is Accelerate's, if there is one. Each with one thread and in float32.
int64_t all_executions(execution executions[8]);

// MARK: products.c

typedef struct {
    float *at;
    int64_t rows, columns, row, column;    // numbers of rows and columns, and the strides
} matrix;

matrix matrix_of(const float *at, int64_t rows, int64_t columns);
matrix rows_of(matrix m, int64_t first, int64_t count);
matrix transposed(matrix m);

// The rows of a wide tensor that exist at a time (RowChunks).
int64_t chunk_rows(int64_t rows, int64_t columns, int64_t elements);

// b as products read it, or NULL if they read it where it is.
float *packed(const execution *e, matrix b);

// c = a b, or c += a b, with the epilogue and the column sums in `rest`.
void multiply(
    const execution *e, matrix a, matrix b, const float *packed, matrix c, bool add, gpt_matmul rest);

typedef struct {
    float *at;       // NULL if not wanted
    bool add;
} destination;

// The gradients of a weight and its bias.
void weight_gradients(
    const execution *e, destination weight, bool is_transposed, destination bias, matrix x, matrix d_y);

// act(x W + b) factor + residual for generation; any but x and W may be NULL.
void decoding_product(
    const execution *e, matrix x, matrix w, const float *bias, int32_t activation, const float *factor,
    const float *residual, float *y);

// Rows that forward saves for backward.
typedef struct {
    float *words;
    int64_t width;
    int32_t precision;
} saved_rows;

saved_rows save_rows(const execution *e, int64_t rows, int64_t columns);
float *saved_from(saved_rows saved, int64_t row);

// MARK: ops, catalogue.c runs them

typedef struct {
    float *at;
    int64_t count, rank, shape[MOST_DIMENSIONS], rows, columns;
} tensor;

typedef enum { TRAINING, INFERENCE, SERVING, DECODING } pass_mode;

// One run of an op. With TRAINING the gradients are computed too.
typedef struct {
    const vector_case *vector;
    execution run;
    pass_mode mode;
    int64_t inputs;
    tensor input[MOST_INPUTS];
    float *output;
    const float *d_output;
    destination gradient[MOST_INPUTS];
    float loss_scale;
    double loss;
} pass;

typedef void op(pass *);

op add, embedding, select_rows, activate, rms_norm, layer_norm, rotary, dropout;    // simple_ops.c
op linear, feed_forward, gated_feed_forward, cross_entropy;                         // product_ops.c
op attention;                                                                       // attention.c

// The gradient of an input that is that of the output.
void share_gradient(pass *p, int64_t input);
// Where a sum over all rows is written: each chunk after the first adds to it.
destination chunk_sum(destination all, int64_t first_row);

// MARK: cases that are not ops

typedef void case_of_kernels(const vector_case *);

void run_sample(const vector_case *vector, op *op, bool multiplies);                // catalogue.c
case_of_kernels cached_attention;                                                   // attention.c
case_of_kernels product, decoding, packing;                                         // weights.c
case_of_kernels adamw, muon, sum_of_squares, sampling, sweep;                       // kernels.c
// The pool of threads, memory and the measurements, which have no vectors.
void check_core(void);                                                              // kernels.c
// SHA-256, beside the kernels the only code that differs between processors.
void check_hashing(void);                                                           // hashing.c

#endif
