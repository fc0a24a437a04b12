// The instructions for SHA-256 of CFiles, which each family of processors has in its own form, on the examples of FIPS
// 180-2.

#include "driver.h"

#include "CFiles.h"

#include <math.h>
#include <string.h>

// The first 32 bits of the fraction of a root of the i-th prime, which is what the constants of SHA-256 are.
static uint32_t root_of_prime(int i, double exponent) {
    int prime = 1;
    for (int found = -1; found < i;) {
        bool is_prime = true;
        prime++;
        for (int divisor = 2; divisor * divisor <= prime; divisor++) is_prime = is_prime && prime % divisor != 0;
        found += is_prime;
    }
    const double root = exponent == 2 ? sqrt(prime) : cbrt(prime);
    return (uint32_t)((root - floor(root)) * 0x1p32);
}

static bool has_digest(const char *text, const uint32_t expected[8]) {
    uint8_t blocks[128] = {0};
    uint32_t state[8], constants[64];
    const size_t length = strlen(text), count = length < 56 ? 1 : 2;
    memcpy(blocks, text, length);
    blocks[length] = 0x80;
    blocks[64 * count - 2] = (uint8_t)(8 * length >> 8);
    blocks[64 * count - 1] = (uint8_t)(8 * length);
    for (int i = 0; i < 8; i++) state[i] = root_of_prime(i, 2);
    for (int i = 0; i < 64; i++) constants[i] = root_of_prime(i, 3);
    gpt_sha256(state, blocks, count, constants);
    return memcmp(state, expected, sizeof state) == 0;
}

void check_hashing(void) {
    static const vector_case hashing = {.title = "SHA-256", .name = "SHA-256"};
    static const uint32_t one_block[8] = {
        0xba7816bf, 0x8f01cfea, 0x414140de, 0x5dae2223, 0xb00361a3, 0x96177a9c, 0xb410ff61, 0xf20015ad};
    static const uint32_t two_blocks[8] = {
        0x248d6a61, 0xd20638b8, 0xe5c02693, 0x0c3e6039, 0xa33ce459, 0x64ff2167, 0xf6ecedd4, 0x19db06c1};
    begin_case(&hashing);
    if (!gpt_has_sha256()) return;
    require(has_digest("abc", one_block), "the instructions compute another digest of one block");
    require(
        has_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", two_blocks),
        "the instructions compute another digest of two blocks");
}
