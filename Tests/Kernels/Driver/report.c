// Errors, tolerances and failures: a line for each op and instruction set.

#include "driver.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MOST_SETS = 8, MOST_MEASURES = 12, MOST_MESSAGES = 20 };

typedef struct {
    const char *what;
    double error, tolerance;
} measurement;

static struct {
    const char *set;
    int64_t count;
    measurement measures[MOST_MEASURES];
} rows[MOST_SETS], *row;

static int64_t count_of_rows = 0, failures = 0;
static const char *title = "", *name = "";

void die(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
    fflush(stdout);
    _exit(1);
}

static void failed(const char *what) {
    if (++failures <= MOST_MESSAGES)
        printf("FAILED %s, %s: %s\n", row ? row->set : "all", name, what);
}

void begin_case(const vector_case *vector) {
    if (strcmp(title, vector->title) != 0) flush_report();
    title = vector->title;
    name = vector->name;
}

void begin_set(const char *set) {
    for (int64_t i = 0; i < count_of_rows; i++)
        if (strcmp(rows[i].set, set) == 0) {
            row = &rows[i];
            return;
        }
    if (count_of_rows == MOST_SETS) die("too many instruction sets");
    row = &rows[count_of_rows++];
    row->set = set;
    row->count = 0;
}

void measure(const char *what, double error, double tolerance) {
    if (!(error <= tolerance)) {
        char text[200];
        snprintf(text, sizeof text, "%s: error %.3g, tolerance %.3g", what, error, tolerance);
        failed(text);
    }
    for (int64_t i = 0; i < row->count; i++) {
        measurement *m = &row->measures[i];
        if (strcmp(m->what, what) != 0) continue;
        if (!(error <= m->error)) m->error = error;
        return;
    }
    if (row->count == MOST_MEASURES) die("too many measurements of %s", title);
    row->measures[row->count++] = (measurement){what, error, tolerance};
}

void require(bool holds, const char *what) {
    if (!holds) failed(what);
}

void flush_report(void) {
    for (int64_t i = 0; i < count_of_rows; i++) {
        if (rows[i].count == 0) continue;
        printf("%-10s %s:", rows[i].set, title);
        for (int64_t j = 0; j < rows[i].count; j++) {
            const measurement *m = &rows[i].measures[j];
            printf("%s %s %.2g of %.2g", j ? "," : "", m->what, m->error, m->tolerance);
        }
        printf("\n");
    }
    count_of_rows = 0;
    row = NULL;
    fflush(stdout);
}

int64_t finish_report(void) {
    flush_report();
    if (failures > MOST_MESSAGES) printf("and %lld more failures\n", (long long)(failures - MOST_MESSAGES));
    return failures;
}

double root_mean_square(const double *x, int64_t count) {
    double sum = 0;
    for (int64_t i = 0; i < count; i++) sum += x[i] * x[i];
    return sqrt(sum / (double)(count > 0 ? count : 1));
}

double largest_error(const float *actual, const double *expected, int64_t count) {
    const double typical = root_mean_square(expected, count);
    double worst = 0;
    for (int64_t i = 0; i < count; i++) {
        const double difference = fabs(actual[i] - expected[i]);
        if (difference == 0) continue;
        const double error = difference / (fabs(expected[i]) + typical);
        if (!(error <= worst)) worst = isnan(error) ? INFINITY : error;
    }
    return worst;
}

bool same_bits(const float *a, const float *b, int64_t count) {
    return memcmp(a, b, (size_t)count * sizeof(float)) == 0;
}
