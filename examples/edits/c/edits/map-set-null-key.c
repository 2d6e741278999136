bool map_set(struct hashmap *map, const char *key, void *value, void **old)
{
    uint32_t hash = hash_key(key);
    struct place *p;

    if (old != NULL)
        *old = NULL;
    if (key == NULL || value == NULL)
        return false;
    if (needs_growth(map) && !resize(map, map->place_count * 2))
        return false;
    // ... existing code ...
}
