#ifndef BITSET_H
#define BITSET_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BITSET_WORDS 8
#define BITSET_BITS (BITSET_WORDS * 32)

typedef struct bitset {
    uint32_t words[BITSET_WORDS];
} bitset;

static inline void bitset_clear(bitset *set)
{
    memset(set->words, 0, sizeof set->words);
}

static inline void bitset_add(bitset *set, size_t bit)
{
    set->words[bit / 32] |= (uint32_t)1 << (bit % 32);
}

static inline int bitset_has(const bitset *set, size_t bit)
{
    return (set->words[bit / 32] >> (bit % 32)) & 1;
}

/* Number of members. */
static inline size_t bitset_count(const bitset *set)
{
    size_t total = 0;
    for (size_t bit = 0; bit < BITSET_BITS; bit++)
        total += bitset_has(set, bit);
    return total;
}

static inline void bitset_union(bitset *into, const bitset *other)
{
    for (size_t i = 0; i < BITSET_WORDS; i++)
        into->words[i] |= other->words[i];
}

#endif
