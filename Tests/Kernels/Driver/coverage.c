// Which functions of the kernels were run: they are compiled with -finstrument-functions-after-inlining, so each calls
// __cyg_profile_func_enter. The list of functions is made of the headers (see Scripts/check-arm64).

#include "driver.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#define FUNCTION(name) extern char name##_entry __asm__(#name);
#include "functions.h"
#undef FUNCTION

static const struct {
    const char *name;
    const char *address;
} functions[] = {
#define FUNCTION(name) {#name, &name##_entry},
#include "functions.h"
#undef FUNCTION
};

static const struct {
    const char *name, *reason;
} left_out[] = {
    {"gpt_out_of_memory", "it ends the process"},
    {"gpt_did_lock", "without the thread sanitizer it does nothing"},
    {"gpt_will_unlock", "without the thread sanitizer it does nothing"},
};

// A byte for each possible address of a function, whichever it is.
extern char __executable_start, etext;
enum { MOST_ADDRESSES = 1 << 22 };
static _Atomic bool *entered;

void begin_coverage(void) { entered = shared_memory(MOST_ADDRESSES); }

static size_t place(const char *address) { return (size_t)(address - &__executable_start); }

void __cyg_profile_func_enter(void *function, void *caller);
void __cyg_profile_func_exit(void *function, void *caller);

void __cyg_profile_func_enter(void *function, void *caller) {
    (void)caller;
    const size_t i = place(function);
    if (entered && i < MOST_ADDRESSES) atomic_store_explicit(&entered[i], true, memory_order_relaxed);
}

void __cyg_profile_func_exit(void *function, void *caller) { (void)function, (void)caller; }

static const char *reason(const char *name) {
    for (size_t i = 0; i < sizeof left_out / sizeof left_out[0]; i++)
        if (strcmp(left_out[i].name, name) == 0) return left_out[i].reason;
    return NULL;
}

int64_t check_coverage(void) {
    if (&etext - &__executable_start > MOST_ADDRESSES) die("the program is too large; raise MOST_ADDRESSES");
    const size_t count = sizeof functions / sizeof functions[0];
    int64_t missing = 0, run = 0;
    for (size_t i = 0; i < count; i++) {
        const char *name = functions[i].name, *why = reason(name);
        if (entered[place(functions[i].address)]) {
            run++;
        } else if (why) {
            printf("%s is not run: %s\n", name, why);
        } else {
            printf("FAILED: %s was not run; add a case, or a reason to coverage.c\n", name);
            missing++;
        }
    }
    printf("%lld of %zu functions of the headers were run\n", (long long)run, count);
    return missing;
}
