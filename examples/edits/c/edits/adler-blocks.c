/* ... unchanged ... */

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

/* ... unchanged ... */
