// Kernels of training and sampling that are not ops, activations over all of their range, and the core.

#include "driver.h"

#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

// The largest difference, each relative to its scale.
static double largest_scaled(const float *actual, const double *expected, const double *scales, int64_t count) {
    double worst = 0;
    for (int64_t i = 0; i < count; i++) {
        const double difference = fabs(actual[i] - expected[i]);
        const double error = difference == 0 ? 0 : difference / scales[i];
        if (!(error <= worst)) worst = isnan(error) ? INFINITY : error;
    }
    return worst;
}

void adamw(const vector_case *v) {
    int64_t count, numbers;
    const float *start = floats(v, "start", &count);
    const double *s = doubles(v, "settings", &numbers);
    const double *expected[3] = {
        doubles(v, "parameters", NULL), doubles(v, "moment1", NULL), doubles(v, "moment2", NULL)};
    double *scales = malloc((size_t)count * sizeof(double));
    execution executions[8];
    const int64_t sets = all_executions(executions);
    if (!scales) die("out of memory");
    for (int64_t i = 0; i < sets; i++) {
        begin_set(executions[i].set);
        float *results[2][3];
        for (int many = 0; many < 2; many++) {
            float **r = results[many];
            r[0] = guarded_copy(start, count);
            for (int j = 1; j < 3; j++) r[j] = memset(guarded(count), 0, (size_t)count * sizeof(float));
            gpt_execution kernels = executions[i].kernels;
            kernels.threads = many ? 3 : 1;
            for (int64_t step = 0; step < numbers / 8; step++) {
                const double *t = s + 8 * step;
                const gpt_adamw settings = {
                    .learning_rate = t[0], .beta1 = t[1], .beta2 = t[2], .epsilon = t[3], .weight_decay = t[4],
                    .correction1 = t[5], .correction2 = t[6], .gradient_scale = t[7],
                };
                const float *gradients = guarded_copy(floats(v, numbered("gradients", step + 1), NULL), count);
                gpt_adamw_update(kernels, &settings, count, r[0], gradients, r[1], r[2]);
            }
        }
        static const char *const names[] = {"parameters", "first moments", "second moments"};
        for (int j = 0; j < 3; j++) {
            for (int64_t k = 0; k < count; k++) {
                const double m = fabs(expected[1][k]), root = sqrt(expected[2][k]), p = fabs(expected[0][k]);
                scales[k] = j == 0 ? (p > 1 ? p : 1) : j == 1 ? m + root : expected[2][k];
            }
            measure(names[j], largest_scaled(results[0][j], expected[j], scales, count), 1e-6);
            require(same_bits(results[0][j], results[1][j], count), "three threads give other bits");
        }
        release_guarded();
    }
    free(scales);
}

void muon(const vector_case *v) {
    int64_t count;
    const float *start = floats(v, "start", &count), *gradients = floats(v, "gradients", NULL);
    const double beta = number(v, "beta"), scale = number(v, "scale");
    const double keep = number(v, "keep"), rate = number(v, "rate");
    execution executions[8];
    const int64_t sets = all_executions(executions);
    for (int64_t i = 0; i < sets; i++) {
        begin_set(executions[i].set);
        float *results[2][3];
        for (int many = 0; many < 2; many++) {
            float **r = results[many];
            r[0] = guarded_copy(start, count);    // the momentum, and then the parameters
            r[1] = guarded(count);
            r[2] = guarded_copy(start, count);
            gpt_execution kernels = executions[i].kernels;
            kernels.threads = many ? 3 : 1;
            gpt_nesterov_momentum(kernels, count, beta, scale, guarded_copy(gradients, count), r[0], r[1]);
            gpt_step_along(kernels, count, keep, rate, r[1], r[2]);
        }
        static const char *const names[] = {"momentum", "direction", "parameters"};
        for (int j = 0; j < 3; j++) {
            double worst = 0;
            const double *expected = doubles(v, names[j], NULL);
            for (int64_t k = 0; k < count; k++) worst = fmax(worst, fabs(results[0][j][k] - expected[k]));
            measure(names[j], worst, 1e-6);
            require(same_bits(results[0][j], results[1][j], count), "three threads give other bits");
        }
        release_guarded();
    }
}

void sum_of_squares(const vector_case *v) {
    int64_t count;
    const float *values = floats(v, "x", &count);
    const double expected = number(v, "sum");
    execution executions[8];
    const int64_t sets = all_executions(executions);
    for (int64_t i = 0; i < sets; i++) {
        begin_set(executions[i].set);
        float *x = guarded_copy(values, count);
        gpt_execution kernels = executions[i].kernels;
        const double one = gpt_sum_of_squares(kernels, count, x);
        kernels.threads = 3;
        require(gpt_sum_of_squares(kernels, count, x) == one, "three threads give other bits");
        measure("values", fabs(one - expected) / expected, 3e-7);
        x[count - 1] = NAN;
        require(!isfinite(gpt_sum_of_squares(kernels, count, x)), "a number that is none is lost");
        release_guarded();
    }
}

void sampling(const vector_case *v) {
    int64_t count;
    const float *logits = floats(v, "logits", &count);
    const float highest = floats(v, "highest", NULL)[0], temperature = floats(v, "temperature", NULL)[0];
    const float minimum = floats(v, "minimum", NULL)[0];
    const double *expected = doubles(v, "weights", NULL);
    const int64_t blocks = (count + GPT_SAMPLING_BLOCK - 1) / GPT_SAMPLING_BLOCK;
    execution executions[8];
    const int64_t sets = all_executions(executions);
    for (int64_t i = 0; i < sets; i++) {
        begin_set(executions[i].set);
        float *x = guarded_copy(logits, count), *weights[2], *sums[2];
        for (int many = 0; many < 2; many++) {
            gpt_execution kernels = executions[i].kernels;
            kernels.threads = many ? 3 : 1;
            weights[many] = guarded(count);
            sums[many] = guarded(blocks);
            require(gpt_highest(kernels, count, x) == highest, "another number is the highest");
            gpt_sampling_weights(kernels, count, x, highest, temperature, minimum, weights[many], sums[many]);
        }
        require(
            same_bits(weights[0], weights[1], count) && same_bits(sums[0], sums[1], blocks),
            "three threads give other bits");
        double worst = 0, total = 0, sum = 0;
        for (int64_t j = 0; j < count; j++) {
            const double weight = weights[0][j], difference = fabs(weight - expected[j]);
            total += weight;
            // A weight that rounding may take to either side of the minimum.
            const bool is_at_minimum = fabs((expected[j] > 0 ? expected[j] : weight) - minimum) < 1e-5;
            if (difference == 0 || (minimum > 0 && is_at_minimum)) continue;
            const double error = difference / expected[j];
            if (!(error <= worst)) worst = isnan(error) ? INFINITY : error;
        }
        for (int64_t b = 0; b < blocks; b++) sum += sums[0][b];
        measure("weights", worst, 1e-5);
        measure("sums", total > 0 ? fabs(sum - total) / total : fabs(sum), 1e-5);
        release_guarded();
    }
}

// The largest error of an activation or, without scales, of its derivative. A value that is no finite number stays so.
static double sweep_error(const float *actual, const double *expected, const double *scales, int64_t count) {
    double worst = 0;
    for (int64_t i = 0; i < count; i++) {
        if (!isfinite(expected[i])) {
            require(!scales || !isfinite(actual[i]), "what is not a number became one");
            continue;
        }
        const double error = fabs(actual[i] - expected[i]) / (scales ? scales[i] : 1);
        if (!(error <= worst)) worst = isnan(error) ? INFINITY : error;
    }
    return worst;
}

void sweep(const vector_case *v) {
    const int32_t activation = (int32_t)integer(v, "activation");
    int64_t count;
    const float *values = floats(v, "x", &count);
    const double *y = doubles(v, "y", NULL), *scales = doubles(v, "scales", NULL);
    const double *derivatives = doubles(v, "derivatives", NULL);
    execution executions[8];
    const int64_t sets = all_executions(executions);
    for (int64_t i = 0; i < sets; i++) {
        const execution *e = &executions[i];
        begin_set(e->set);
        float *x = guarded_copy(values, count), *out = guarded(count), *slope = guarded(count), *ones = guarded(count);
        for (int64_t j = 0; j < count; j++) ones[j] = 1;
        gpt_activation_forward(e->kernels, activation, count, x, out);
        gpt_activation_backward(e->kernels, activation, count, ones, x, slope, false);
        measure("values", sweep_error(out, y, scales, count), 2e-7);
        measure("derivatives", sweep_error(slope, derivatives, NULL, count), 2e-6);
        // The same in the epilogue of a product: of one over nothing, which is the epilogue alone.
        const matrix no_columns = matrix_of(x, 1, 0), no_rows = matrix_of(x, 0, count);
        float *inner = guarded_copy(values, count), *value = guarded(count);
        multiply(
            e, no_columns, no_rows, NULL, matrix_of(inner, 1, count), true, (gpt_matmul){.activation = activation});
        multiply(
            e, no_columns, no_rows, NULL, matrix_of(ones, 1, count), true,
            (gpt_matmul){.slope = activation, .slope_at = x, .activated = value});
        measure("values in a product", sweep_error(inner, y, scales, count), 2e-7);
        measure("values in a slope", sweep_error(value, y, scales, count), 2e-7);
        measure("derivatives in a product", sweep_error(ones, derivatives, NULL, count), 2e-6);
        release_guarded();
    }
}

// MARK: The core

static _Atomic int64_t runs[1000];

static void count_run(void *context, int64_t i) {
    (void)context;
    atomic_fetch_add(&runs[i], 1);
    float *scratch = gpt_scratch(GPT_SCRATCH_OPERATION, 100 + i);
    memset(scratch, 0, (size_t)(100 + i) * sizeof(float));
}

static void ignore(size_t size) { (void)size; }

void check_core(void) {
    static const vector_case nothing = {.kind = "core", .title = "Threads and memory", .name = "Threads and memory"};
    begin_case(&nothing);
    begin_set("all");
    require(gpt_start_threads(3) == 3, "three threads cannot be started");
    for (int job = 0; job < 200; job++) gpt_parallel(1 + job % 4, 1000, count_run, NULL);
    bool are_equal = true;
    for (int i = 0; i < 1000; i++) are_equal = are_equal && runs[i] == 200;
    require(are_equal, "an item of a job was not run exactly once");
    void *memory = gpt_allocate(1000);
    require(memory && (uintptr_t)memory % 64 == 0, "memory is not aligned to 64 bytes");
    free(memory);
    require(!gpt_handles_out_of_memory(), "there is a handler before it is set");
    gpt_on_out_of_memory(ignore);
    require(gpt_handles_out_of_memory(), "there is no handler after it was set");

    execution executions[8];
    const int64_t sets = all_executions(executions);
    for (int64_t i = 0; i < sets; i++) {
        for (int32_t precision = GPT_FLOAT32; precision <= GPT_BFLOAT16; precision++)
            require(gpt_peak_flops(executions[i].kernels, precision, 0.001) > 0, "no peak rate was measured");
        require(gpt_peak_bandwidth(executions[i].kernels, 1 << 20, 0.001) > 0, "no bandwidth was measured");
    }
}
