// Makes one system call of a program fail. Built as a shared library and preloaded (LD_PRELOAD) into the program under
// test, on Linux with glibc:
//
//     FAULT_LOG=FILE           appends a line "KIND NUMBER DETAIL" for each call that is counted
//     FAULT=KIND:NUMBER:ACTION makes that call of that kind fail, counted from 1; the log then has a line "fault"
//
// ACTION is the name of an error (EIO, ENOSPC, ENOMEM, EMFILE, EINTR), "short", with which a write or read transfers
// only half of its bytes, or "kill", which ends the process by SIGKILL before the call.
//
// Calls are counted from main on. Internal calls of the dynamic loader and the C library are not intercepted. A failing
// close does close the descriptor, as on Linux.

#define _GNU_SOURCE

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

typedef enum {
    OPEN, READ, WRITE, SYNC, CLOSE, RENAME, MAP, RESERVE, MKDIR, REMOVE, COPY, KINDS
} kind;

static const char *const kind_names[KINDS] = {
    "open", "read", "write", "fsync", "close", "rename", "mmap", "reserve", "mkdir", "remove", "copy",
};

enum { SHORT = -1, KILL = -2 };

static const struct {
    const char *name;
    int code;
} actions[] = {
    {"EIO", EIO}, {"ENOSPC", ENOSPC}, {"ENOMEM", ENOMEM}, {"EMFILE", EMFILE}, {"EINTR", EINTR},
    {"short", SHORT}, {"kill", KILL},
};

static atomic_int counts[KINDS];
static atomic_bool is_counting;
static const char *log_path;
static int fault_kind = -1, fault_number, fault_action;

static void log_line(const char *word, int number, const char *detail) {
    if (!log_path) return;
    char line[512];
    int length = snprintf(line, sizeof line, "%s %d %s\n", word, number, detail);
    if (length >= (int)sizeof line) {
        length = sizeof line;
        line[length - 1] = '\n';
    }
    // Not by the functions below, which are intercepted.
    int file = syscall(SYS_openat, AT_FDCWD, log_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0666);
    if (file < 0) return;
    syscall(SYS_write, file, line, length);
    syscall(SYS_close, file);
}

// Counts a call. Returns 0 for one without a fault, SHORT, or the error that it fails with.
static int fault(kind k, const char *detail) {
    if (!atomic_load_explicit(&is_counting, memory_order_relaxed)) return 0;
    int before = errno;
    int number = atomic_fetch_add(&counts[k], 1) + 1;
    log_line(kind_names[k], number, detail);
    int result = 0;
    if ((int)k == fault_kind && number == fault_number) {
        log_line("fault", number, kind_names[k]);
        if (fault_action == KILL) {
            syscall(SYS_kill, getpid(), SIGKILL);
            for (;;) pause();
        }
        result = fault_action;
    }
    errno = before;
    return result;
}

static int fault_at(kind k, int descriptor) {
    char detail[32];
    snprintf(detail, sizeof detail, "%d", descriptor);
    return fault(k, detail);
}

// The entry of the program, at which counting begins.

static int (*real_main)(int, char **, char **);

static int counting_main(int count, char **words, char **environment) {
    atomic_store(&is_counting, true);
    return real_main(count, words, environment);
}

int __libc_start_main(
    int (*main)(int, char **, char **), int count, char **words, void (*start)(void), void (*end)(void),
    void (*loader_end)(void), void *stack_end
) {
    __typeof__(__libc_start_main) *real = dlsym(RTLD_NEXT, "__libc_start_main");
    log_path = getenv("FAULT_LOG");
    const char *wanted = getenv("FAULT");
    if (wanted) {
        char name[16], action[16];
        if (sscanf(wanted, "%15[^:]:%d:%15s", name, &fault_number, action) == 3) {
            for (int k = 0; k < KINDS; k++) {
                if (!strcmp(name, kind_names[k])) fault_kind = k;
            }
            for (size_t i = 0; i < sizeof actions / sizeof actions[0]; i++) {
                if (!strcmp(action, actions[i].name)) fault_action = actions[i].code;
            }
        }
        if (fault_kind < 0 || !fault_action) {
            fprintf(stderr, "FAULT=%s is not understood\n", wanted);
            _exit(125);
        }
    }
    real_main = main;
    return real(counting_main, count, words, start, end, loader_end, stack_end);
}

// The intercepted calls.

#define REAL(name) \
    static __typeof__(name) *real; \
    if (!real) real = dlsym(RTLD_NEXT, #name)

#define FAIL_WITH(code, value) \
    do { \
        int error_ = (code); \
        if (error_ > 0) { \
            errno = error_; \
            return value; \
        } \
    } while (0)

#define OPENING(name) \
    int name(const char *path, int flags, ...) { \
        REAL(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        FAIL_WITH(fault(OPEN, path), -1); \
        return real(path, flags, mode); \
    }

OPENING(open)
OPENING(open64)

#define OPENING_AT(name) \
    int name(int directory, const char *path, int flags, ...) { \
        REAL(name); \
        va_list rest; \
        va_start(rest, flags); \
        mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest); \
        FAIL_WITH(fault(OPEN, path), -1); \
        return real(directory, path, flags, mode); \
    }

OPENING_AT(openat)
OPENING_AT(openat64)

DIR *opendir(const char *path) {
    REAL(opendir);
    FAIL_WITH(fault(OPEN, path), NULL);
    return real(path);
}

FILE *fopen(const char *path, const char *mode) {
    REAL(fopen);
    FAIL_WITH(fault(OPEN, path), NULL);
    return real(path, mode);
}

ssize_t read(int descriptor, void *bytes, size_t count) {
    REAL(read);
    int failure = fault_at(READ, descriptor);
    FAIL_WITH(failure, -1);
    return real(descriptor, bytes, failure == SHORT ? (count + 1) / 2 : count);
}

ssize_t write(int descriptor, const void *bytes, size_t count) {
    REAL(write);
    int failure = fault_at(WRITE, descriptor);
    FAIL_WITH(failure, -1);
    return real(descriptor, bytes, failure == SHORT ? (count + 1) / 2 : count);
}

#define WRITING_AT(name, type) \
    ssize_t name(int descriptor, const void *bytes, size_t count, type offset) { \
        REAL(name); \
        int failure = fault_at(WRITE, descriptor); \
        FAIL_WITH(failure, -1); \
        return real(descriptor, bytes, failure == SHORT ? (count + 1) / 2 : count, offset); \
    }

WRITING_AT(pwrite, off_t)
WRITING_AT(pwrite64, off64_t)

int fsync(int descriptor) {
    REAL(fsync);
    FAIL_WITH(fault_at(SYNC, descriptor), -1);
    return real(descriptor);
}

int fdatasync(int descriptor) {
    REAL(fdatasync);
    FAIL_WITH(fault_at(SYNC, descriptor), -1);
    return real(descriptor);
}

int close(int descriptor) {
    REAL(close);
    int failure = fault_at(CLOSE, descriptor);
    int result = real(descriptor);
    FAIL_WITH(failure, -1);
    return result;
}

int rename(const char *from, const char *to) {
    REAL(rename);
    FAIL_WITH(fault(RENAME, to), -1);
    return real(from, to);
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir);
    FAIL_WITH(fault(MKDIR, path), -1);
    return real(path, mode);
}

int unlink(const char *path) {
    REAL(unlink);
    FAIL_WITH(fault(REMOVE, path), -1);
    return real(path);
}

int rmdir(const char *path) {
    REAL(rmdir);
    FAIL_WITH(fault(REMOVE, path), -1);
    return real(path);
}

// Mappings of files, and of anonymous memory.
#define MAPPING(name, type) \
    void *name(void *address, size_t length, int protection, int flags, int descriptor, type offset) { \
        REAL(name); \
        kind k = flags & MAP_ANONYMOUS ? RESERVE : MAP; \
        FAIL_WITH(fault_at(k, descriptor), MAP_FAILED); \
        return real(address, length, protection, flags, descriptor, offset); \
    }

MAPPING(mmap, off_t)
MAPPING(mmap64, off64_t)

ssize_t copy_file_range(int from, off64_t *at, int to, off64_t *to_offset, size_t count, unsigned flags) {
    REAL(copy_file_range);
    FAIL_WITH(fault_at(COPY, to), -1);
    return real(from, at, to, to_offset, count, flags);
}

// Of the requests of ioctl, only the one that clones a file.
int ioctl(int descriptor, unsigned long request, ...) {
    REAL(ioctl);
    va_list rest;
    va_start(rest, request);
    void *argument = va_arg(rest, void *);
    va_end(rest);
    if (request == 0x40049409) FAIL_WITH(fault_at(COPY, descriptor), -1);
    return real(descriptor, request, argument);
}
