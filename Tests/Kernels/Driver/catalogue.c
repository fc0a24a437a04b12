// What holds for every op: the checks of CatalogueTests.swift.

#include "driver.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

// What a run of an op leaves, in memory of its own.
typedef struct {
    int64_t inputs, count, counts[MOST_INPUTS];
    float *output, *gradient[MOST_INPUTS];    // the gradients are NULL if they were not computed
} result;

static float *kept(const float *from, int64_t count) {
    float *copy = malloc((size_t)(count + 1) * sizeof(float));
    if (!copy) die("out of memory");
    return memcpy(copy, from, (size_t)count * sizeof(float));
}

static void release(result *r) {
    free(r->output);
    for (int64_t i = 0; i < r->inputs; i++) free(r->gradient[i]);
}

static tensor input_of(const vector_case *v, int64_t i) {
    tensor t = {.rows = 1, .columns = 1};
    const float *values = floats(v, numbered("input", i), &t.count);
    t.at = guarded_copy(values, t.count);
    const int64_t *shape = integers(v, numbered("shape", i), &t.rank);
    if (t.rank > MOST_DIMENSIONS) die("%s: too many dimensions", v->name);
    for (int64_t axis = 0; axis < t.rank; axis++) {
        t.shape[axis] = shape[axis];
        if (axis < t.rank - 1) t.rows *= shape[axis];
        else t.columns = shape[axis];
    }
    return t;
}

// Runs an op. `initial` are gradients to which those of the op are added, or NULL.
static result run(const vector_case *v, op *op, execution e, pass_mode mode, float *const *initial) {
    int64_t outputs;
    const float *weighting = floats(v, "weighting", &outputs);
    pass p = {.vector = v, .run = e, .mode = mode, .loss_scale = weighting[0], .loss = NAN};
    while (p.inputs < MOST_INPUTS && has(v, numbered("input", p.inputs))) {
        p.input[p.inputs] = input_of(v, p.inputs);
        p.inputs++;
    }
    p.output = guarded(outputs);
    p.d_output = guarded_copy(weighting, outputs);
    for (int64_t i = 0; mode == TRAINING && i < p.inputs; i++) {
        const int64_t count = p.input[i].count;
        p.gradient[i].at = initial ? guarded_copy(initial[i], count) : guarded(count);
        p.gradient[i].add = initial != NULL;
    }
    op(&p);
    if (!isnan(p.loss)) p.output[0] = (float)p.loss;
    result r = {.inputs = p.inputs, .count = outputs, .output = kept(p.output, outputs)};
    for (int64_t i = 0; i < p.inputs; i++) {
        r.counts[i] = p.input[i].count;
        r.gradient[i] = mode == TRAINING ? kept(p.gradient[i].at, r.counts[i]) : NULL;
    }
    release_guarded();
    return r;
}

static double root_mean_square_of_floats(const float *x, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += (double)x[i] * x[i];
    return sqrt(sum / (double)count);
}

// The largest error of the derivatives in the directions of the oracle, relative to the derivative and what is expected of a
// random direction.
static double largest_probe_error(const vector_case *v, const result *r, double tolerance) {
    int64_t probes;
    const int64_t *inputs = integers(v, "probe_inputs", &probes), *elements = integers(v, "probe_elements", NULL);
    const double *derivatives = doubles(v, "probe_derivatives", NULL);
    double worst = 0, spreads[MOST_INPUTS];
    for (int64_t i = 0; i < r->inputs; i++) spreads[i] = root_mean_square_of_floats(r->gradient[i], r->counts[i]);
    for (int64_t i = 0; i < probes; i++) {
        const int64_t count = r->counts[inputs[i]];
        const float *gradient = r->gradient[inputs[i]];
        double spread = spreads[inputs[i]], derivative = 0;
        if (elements[i] >= 0) {
            derivative = gradient[elements[i]];
        } else {
            const int8_t *signs = bytes(v, numbered("signs", i), NULL);
            for (int64_t j = 0; j < count; j++) derivative += (double)gradient[j] * signs[j];
            spread *= sqrt((double)count);
        }
        const double difference = fabs(derivative - derivatives[i]);
        const double error = difference / (fabs(derivatives[i]) + spread + 1e-8 / tolerance);
        if (!(error <= worst)) worst = isnan(error) ? INFINITY : error;
    }
    return worst;
}

static double difference(const float *actual, const float *expected, int64_t count) {
    double *exact = malloc((size_t)(count + 1) * sizeof(double));
    if (!exact) die("out of memory");
    for (int64_t i = 0; i < count; i++) exact[i] = expected[i];
    const double error = largest_error(actual, exact, count);
    free(exact);
    return error;
}

static double largest_difference(const result *a, const result *b) {
    double worst = difference(a->output, b->output, a->count);
    for (int64_t i = 0; i < a->inputs; i++) {
        const double error = difference(a->gradient[i], b->gradient[i], a->counts[i]);
        if (!(error <= worst)) worst = error;
    }
    return worst;
}

static bool have_same_bits(const result *a, const result *b) {
    bool same = same_bits(a->output, b->output, a->count);
    for (int64_t i = 0; i < a->inputs; i++) same = same && same_bits(a->gradient[i], b->gradient[i], a->counts[i]);
    return same;
}

static void check_threads(const vector_case *v, op *op, execution e, const result *one) {
    e.kernels.threads = 3;
    result three = run(v, op, e, TRAINING, NULL);
    require(have_same_bits(&three, one), "three threads give other bits");
    release(&three);
}

// Gradients that are added to what is there.
static void check_addition(const vector_case *v, op *op, execution e, const result *fresh, double tolerance) {
    float *initial[MOST_INPUTS];
    uint64_t state = 1;
    for (int64_t i = 0; i < fresh->inputs; i++) {
        const int64_t count = fresh->counts[i];
        const double deviation = 1 + root_mean_square_of_floats(fresh->gradient[i], count);
        initial[i] = kept(fresh->gradient[i], count);
        for (int64_t j = 0; j < count; j++) {
            state = state * 6364136223846793005u + 1442695040888963407u;
            initial[i][j] = (float)(deviation * 3.4 * ((double)(state >> 40) / (1 << 24) - 0.5));
        }
    }
    result added = run(v, op, e, TRAINING, initial);
    double worst = 0;
    for (int64_t i = 0; i < fresh->inputs; i++) {
        for (int64_t j = 0; j < fresh->counts[i]; j++) initial[i][j] += fresh->gradient[i][j];
        const double error = difference(added.gradient[i], initial[i], fresh->counts[i]);
        if (!(error <= worst)) worst = error;
        free(initial[i]);
    }
    measure("added gradients", worst, tolerance);
    release(&added);
}

static void check_modes(
    const vector_case *v, op *op, execution e, const result *one, bool multiplies, double tolerance) {
    const double *expected = doubles(v, "output", NULL);
    for (pass_mode mode = INFERENCE; mode <= (multiplies ? DECODING : INFERENCE); mode++) {
        result other = run(v, op, e, mode, NULL);
        if (mode == DECODING)
            measure("generation", largest_error(other.output, expected, other.count), tolerance);
        else
            require(
                same_bits(other.output, one->output, one->count),
                mode == INFERENCE ? "recording changes the output" : "packing weights beforehand changes the output");
        release(&other);
    }
}

void run_sample(const vector_case *v, op *op, bool multiplies) {
    const double tolerance = number(v, "tolerance"), rounded_tolerance = number(v, "rounded_tolerance");
    const double *expected = doubles(v, "output", NULL);
    execution executions[8];
    const int64_t sets = all_executions(executions);
    result scalar[2];
    for (int64_t i = 0; i < sets; i++) {
        execution e = executions[i];
        begin_set(e.set);
        // Of the scalar kernels, which the others are compared with, and in bfloat16, which Accelerate does not have, no more
        // is checked than is needed: an emulator takes minutes for the rest.
        const int32_t last = e.by_blas ? GPT_FLOAT32 : GPT_BFLOAT16;
        for (int32_t precision = GPT_FLOAT32; precision <= last; precision++) {
            const bool is_exact = precision == GPT_FLOAT32;
            const double limit = is_exact ? tolerance : rounded_tolerance;
            e.precision = precision;
            result one = run(v, op, e, TRAINING, NULL);
            measure(is_exact ? "values" : "values in bf16", largest_error(one.output, expected, one.count), limit);
            measure(is_exact ? "gradients" : "gradients in bf16", largest_probe_error(v, &one, limit), limit);
            if (i > 0) check_threads(v, op, e, &one);
            if (is_exact && i > 0) {
                check_modes(v, op, e, &one, multiplies, tolerance);
                check_addition(v, op, e, &one, tolerance);
            }
            if (i == 0) {
                scalar[precision] = one;
                continue;
            }
            // All elements of the gradients. The oracle computes only some of them.
            measure(
                is_exact ? "to scalar" : "to scalar in bf16", largest_difference(&one, &scalar[precision]), 2 * limit);
            release(&one);
        }
    }
    release(&scalar[GPT_FLOAT32]);
    release(&scalar[GPT_BFLOAT16]);
}
