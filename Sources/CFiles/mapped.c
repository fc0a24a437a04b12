// A table of the mapped files of this process, and the signal handler that looks an address up in it. A signal handler
// cannot wait for a lock, so the fields of the table are atomic.

#include "CFiles.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { CAPACITY = 4096 };

typedef struct {
    atomic_bool is_taken;
    _Atomic(uintptr_t) start;  // 0 while the other fields are being written
    _Atomic(uintptr_t) end;
    _Atomic(char *) message;
} mapping;

static mapping mappings[CAPACITY];

int gpt_record_mapping(const void *start, size_t length, const char *message) {
    char *copy = strdup(message);
    if (!copy) return -1;
    for (int i = 0; i < CAPACITY; i++) {
        mapping *m = &mappings[i];
        if (atomic_load_explicit(&m->is_taken, memory_order_relaxed) || atomic_exchange(&m->is_taken, true)) continue;
        atomic_store(&m->end, (uintptr_t)start + length);
        atomic_store(&m->message, copy);
        atomic_store(&m->start, (uintptr_t)start);
        return i;
    }
    free(copy);
    return -1;
}

void gpt_forget_mapping(int record) {
    if (record < 0) return;
    mapping *m = &mappings[record];
    atomic_store(&m->start, 0);
    free(atomic_exchange(&m->message, NULL));
    atomic_store(&m->is_taken, false);
}

// The message of the mapping that contains an address; NULL if none does. A mapping is not removed while it is read, so
// the record of the accessed address does not change meanwhile.
static const char *message_of(uintptr_t address) {
    for (int i = 0; i < CAPACITY; i++) {
        uintptr_t start = atomic_load(&mappings[i].start);
        if (start != 0 && start <= address && address < atomic_load(&mappings[i].end)) {
            return atomic_load(&mappings[i].message);
        }
    }
    return NULL;
}

static void (*end_with)(const char *);
static atomic_bool is_ending;
static pthread_t ending_thread;

static void handle(int number, siginfo_t *information, void *context) {
    (void)context;
    const char *message = message_of((uintptr_t)information->si_addr);
    if (!message) {
        // After the return the access is repeated, now without a handler.
        signal(number, SIG_DFL);
        return;
    }
    if (atomic_exchange(&is_ending, true)) {
        // Either `end_with` itself made such an access, or another thread is ending the process.
        if (pthread_equal(ending_thread, pthread_self())) _exit(1);
        for (;;) pause();
    }
    ending_thread = pthread_self();
    end_with(message);
    _exit(1);
}

void gpt_end_on_lost_mapping(void (*end)(const char *message)) {
    end_with = end;
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = handle;
    action.sa_flags = SA_SIGINFO | SA_NODEFER;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, NULL);
}
