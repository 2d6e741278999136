// ... existing code ...

size_t map_size(const struct hashmap *map)
{
    return map->full;
}

/* True when the key is in the map. */
bool map_contains(const struct hashmap *map, const char *key)
{
    return find_place(map->places, map->place_count, key,
                      hash_key(key))->kind == PLACE_FULL;
}

// ... existing code ...
