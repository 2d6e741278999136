// ... existing code ...

static inline void bitset_add(bitset *set, size_t bit)
{
    set->words[bit / 32] |= (uint32_t)1 << (bit % 32);
}

static inline void bitset_remove(bitset *set, size_t bit)
{
    set->words[bit / 32] &= ~((uint32_t)1 << (bit % 32));
}

static inline int bitset_has(const bitset *set, size_t bit)
{
    return (set->words[bit / 32] >> (bit % 32)) & 1;
}

// ... existing code ...
