#include <stddef.h>
#include <stdint.h>

#ifndef ADLER_BASE
#define ADLER_BASE 65521u
#endif

/* Adler-32 as used by zlib streams. */
uint32_t adler32(const uint8_t *data, size_t len)
{
    uint32_t a = 1;
    uint32_t b = 0;

    while (len > 0) {
        size_t block = len < 5552 ? len : 5552;

        len -= block;
        while (block-- > 0) {
            a += *data++;
            b += a;
        }
        a %= ADLER_BASE;
        b %= ADLER_BASE;
    }
    return (b << 16) | a;
}

/* FNV-1a, 32 bits. */
uint32_t fnv1a(const uint8_t *data, size_t len)
{
    uint32_t hash = 2166136261u;

    for (size_t i = 0; i < len; i++) {
        hash ^= data[i];
        hash *= 16777619u;
    }
    return hash;
}

/* Two's complement sum of all bytes, for the old wire protocol. */
uint8_t lrc8(const uint8_t *data, size_t len)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum = (uint8_t)(sum + data[i]);
    return (uint8_t)(-sum);
}
