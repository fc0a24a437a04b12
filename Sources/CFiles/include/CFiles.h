// Functions for the module Files that need instructions or system interfaces which Swift cannot import.
#ifndef GPT_CFILES_H
#define GPT_CFILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Whether this processor has instructions for SHA-256.
bool gpt_has_sha256(void);

// Updates the eight words of a SHA-256 state by whole blocks of 64 bytes, given the 64 round constants. Requires
// gpt_has_sha256().
void gpt_sha256(uint32_t *state, const uint8_t *blocks, size_t count, const uint32_t *constants);

// Copies the contents of an open file into another, empty one without reading them into this process: by sharing the
// blocks where the file system supports that, else within the kernel. Returns 0 on success, -1 if the system does not
// support this for these files and nothing was written, else the error number.
int gpt_copy_in_kernel(int source, int target);

// Records `length` bytes at `start` as a mapped file, with the message for the case that the file is shortened. The
// message is copied. Returns the number of the record for gpt_forget_mapping; -1 if the table is full.
int gpt_record_mapping(const void *start, size_t length, const char *message);

// Removes a record. Must be called before the memory is unmapped.
void gpt_forget_mapping(int record);

// Installs a handler for SIGBUS. An access to a part of a recorded mapping that the file no longer has calls `end` with
// the message of the record. An access to other memory ends the process as it would without the handler.
//
// `end` runs on the thread that made the access and must not return. It may allocate memory and wait for locks: the
// signal is the direct result of reading mapped memory, which no thread does while it holds a lock of the C library.
void gpt_end_on_lost_mapping(void (*end)(const char *message));

#endif
