// What Files needs of the processor that Swift has no word for.
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

#endif
