// check-kernels FILE: runs the kernels on the vectors in a file of KernelVectors, with every instruction set of this
// machine. Prints the largest errors, and ends with status 1 if one is larger than its tolerance.

#include "driver.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct {
    const char *kind;
    op *op;
    bool multiplies;    // has other products with packed weights and in generation
} ops[] = {
    {"add", add, false},
    {"embedding", embedding, false},
    {"select_rows", select_rows, false},
    {"activate", activate, false},
    {"linear", linear, true},
    {"feed_forward", feed_forward, true},
    {"gated_feed_forward", gated_feed_forward, true},
    {"rms_norm", rms_norm, false},
    {"layer_norm", layer_norm, false},
    {"rotary", rotary, false},
    {"attention", attention, false},
    {"dropout", dropout, false},
    {"cross_entropy", cross_entropy, false},
};

static const struct {
    const char *kind;
    case_of_kernels *run;
} kinds[] = {
    {"product", product}, {"decoding", decoding}, {"packing", packing}, {"cached_attention", cached_attention},
    {"adamw", adamw}, {"muon", muon}, {"sum_of_squares", sum_of_squares}, {"sampling", sampling}, {"sweep", sweep},
};

int64_t all_executions(execution executions[8]) {
    static const char *const names[] = {"scalar", "avx2", "avx512", "avx512bf16", "neon", "neonbf16"};
    int64_t count = 0;
    int32_t fastest = GPT_SCALAR;
    for (int32_t set = GPT_SCALAR; set <= GPT_NEON_BFLOAT16; set++)
        if (gpt_supports(set)) {
            executions[count++] = (execution){.set = names[set], .kernels = {.instruction_set = set, .threads = 1}};
            fastest = set;
        }
    if (gpt_has_blas())
        executions[count++] = (execution){
            .set = "accelerate", .kernels = {.instruction_set = fastest, .threads = 1}, .by_blas = true};
    return count;
}

static const char *current_name = "no case";

// A kernel that reads or writes beyond its arrays.
static void report_crash(int signal) {
    static const char message[] = "FAILED: a kernel went beyond its arrays, or crashed, in ";
    (void)!write(STDOUT_FILENO, message, sizeof message - 1);
    (void)!write(STDOUT_FILENO, current_name, strlen(current_name));
    (void)!write(STDOUT_FILENO, "\n", 1);
    _exit(128 + signal);
}

static void run_case(const vector_case *vector) {
    current_name = vector->name;
    begin_case(vector);
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++)
        if (strcmp(vector->kind, ops[i].kind) == 0) {
            run_sample(vector, ops[i].op, ops[i].multiplies);
            return;
        }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(vector->kind, kinds[i].kind) == 0) {
            kinds[i].run(vector);
            return;
        }
    die("%s: there is no function for cases of the kind '%s'; add it to main.c", vector->name, vector->kind);
}

// What the processes share: how many cases they ran, and how many failures there were.
typedef struct {
    _Atomic int64_t cases, failures;
} counts;

// The cases of every op whose number, modulo `parts`, is `part`. An op stays together, because it is a line of the report.
static void run_part(const char *path, int64_t part, int64_t parts, counts *counts) {
    vector_file file = open_vectors(path);
    vector_case vector;
    const char *title = "";
    for (int64_t op = -1; next_case(&file, &vector);) {
        op += strcmp(title, vector.title) != 0;
        title = vector.title;
        if (op % parts != part) continue;
        run_case(&vector);
        counts->cases++;
    }
    counts->failures += finish_report();
}

// Runs all cases in several processes, because an emulated processor is slow, and prints what each of them printed.
static void run_in_processes(const char *path, counts *counts) {
    enum { MOST_PARTS = 4 };
    const int64_t processors = sysconf(_SC_NPROCESSORS_ONLN);
    const int64_t parts = processors < 1 ? 1 : processors > MOST_PARTS ? MOST_PARTS : processors;
    FILE *outputs[MOST_PARTS];
    pid_t processes[MOST_PARTS];
    for (int64_t part = 0; part < parts; part++) {
        outputs[part] = tmpfile();
        if (!outputs[part]) die("no temporary file can be created");
        processes[part] = fork();
        if (processes[part] < 0) die("no process can be started");
        if (processes[part] > 0) continue;
        dup2(fileno(outputs[part]), STDOUT_FILENO);
        setvbuf(stdout, NULL, _IOLBF, 0);    // so that nothing is lost in a crash
        run_part(path, part, parts, counts);
        fflush(stdout);
        _exit(0);
    }
    for (int64_t part = 0; part < parts; part++) {
        int status;
        if (waitpid(processes[part], &status, 0) < 0 || status != 0) counts->failures++;
        char buffer[4096];
        rewind(outputs[part]);
        for (size_t count; (count = fread(buffer, 1, sizeof buffer, outputs[part])) > 0;)
            fwrite(buffer, 1, count, stdout);
        fclose(outputs[part]);
    }
}

int main(int argc, char **argv) {
    if (argc != 2) die("usage: check-kernels FILE");
    signal(SIGSEGV, report_crash);
    signal(SIGBUS, report_crash);
    signal(SIGILL, report_crash);
    begin_coverage();
    counts *counts = shared_memory(sizeof *counts);
    run_in_processes(argv[1], counts);
    check_core();
    check_hashing();
    const int64_t failures = counts->failures + finish_report() + check_coverage();
    printf("%lld cases, %lld failures\n", (long long)counts->cases, (long long)failures);
    return failures > 0 || counts->cases == 0;
}
