static inline size_t bitset_count(const bitset *set)
{
    size_t total = 0;
    for (size_t i = 0; i < BITSET_WORDS; i++) {
        for (uint32_t w = set->words[i]; w != 0; w &= w - 1)
            total++;
    }
    return total;
}
