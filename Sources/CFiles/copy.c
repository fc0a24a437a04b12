// Copies files by sharing their blocks, or within the kernel. Swift can import neither the request numbers of ioctl
// nor, from every C library, copy_file_range.

#define _GNU_SOURCE

#include "CFiles.h"

#include <errno.h>

#if defined(__linux__)

#include <linux/fs.h>
#include <sys/ioctl.h>
#include <unistd.h>

int gpt_copy_in_kernel(int source, int target) {
    if (ioctl(target, FICLONE, source) == 0) return 0;
    for (int is_first = 1;; is_first = 0) {
        ssize_t count = copy_file_range(source, NULL, target, NULL, 1u << 30, 0);
        // Some kernels return 0 rather than an error for files that they cannot copy this way, such as those of /proc.
        if (count == 0) return is_first ? -1 : 0;
        if (count > 0 || errno == EINTR) continue;
        switch (errno) {
        case EIO:
        case ENOSPC:
        case EDQUOT:
        case EFBIG:
        case ENOMEM: return errno;
        // Between two file systems, on one without support, or under a filter of system calls (seccomp).
        default: return is_first ? -1 : errno;
        }
    }
}

#else

int gpt_copy_in_kernel(int source, int target) {
    (void)source;
    (void)target;
    return -1;
}

#endif
