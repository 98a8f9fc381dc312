/* SHA-256 (FIPS 180-4): C has none of its own, and the protocol shows long bytes by their digest. */
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>
#include <stdint.h>

void sha256(const uint8_t *data, size_t size, uint8_t digest[32]);

#endif
