// What Files needs of the processor and the system that Swift has no word for.
#ifndef GPT_CFILES_H
#define GPT_CFILES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

// Whether this processor has instructions for SHA-256.
bool gpt_has_sha256(void);

// Mixes whole blocks of 64 bytes into the eight words of a SHA-256 with those instructions, given the 64 round constants.
// To be called only where there are any.
void gpt_sha256(uint32_t *state, const uint8_t *blocks, size_t count, const uint32_t *constants);

// Copies the contents of one open file into another, empty one without moving them through this process: as a reference
// to the same blocks where the file system supports that, else within the kernel. Returns 0 when all of it is copied, -1
// where the system cannot do that for these files and nothing was written, else the error number.
int gpt_copy_in_kernel(int source, int target);

// Records that `length` bytes at `start` are a mapped file, and the message to end with if the file gets shorter. The
// message is copied. Returns the number of the record for gpt_forget_mapping; -1 where there is no space for more records.
int gpt_record_mapping(const void *start, size_t length, const char *message);

// Removes a record. To be called before the memory is unmapped.
void gpt_forget_mapping(int record);

// Installs a handler of SIGBUS. An access to a recorded mapping that the file no longer covers calls `end` with the
// message of the record. An access to other memory ends the process as it would without the handler.
//
// `end` runs on the thread that made the access and must not return. It may allocate memory and wait for locks: the
// signal is the direct result of reading mapped memory, which no thread does while it holds a lock of the C library.
void gpt_end_on_lost_mapping(void (*end)(const char *message));

#endif
