// ... existing code ...

struct hashmap {
    struct place *places;
    size_t place_count;   /* always a power of two */
    size_t full;
    size_t tombstones;
    unsigned resizes;
};

// ... existing code ...

static bool resize(struct hashmap *map, size_t new_count)
{
    struct place *fresh;

    map_assert((new_count & (new_count - 1)) == 0);
    fresh = calloc(new_count, sizeof *fresh);
    if (fresh == NULL)
        return false;
    for (size_t i = 0; i < map->place_count; i++) {
        struct place *old = &map->places[i];

        if (old->kind == PLACE_FULL)
            *find_place(fresh, new_count, old->key, old->hash) = *old;
    }
    free(map->places);
    map->places = fresh;
    map->place_count = new_count;
    map->tombstones = 0;
    map->resizes++;
    return true;
}

// ... existing code ...

void map_clear(struct hashmap *map)
{
    for (size_t i = 0; i < map->place_count; i++) {
        if (map->places[i].kind == PLACE_FULL)
            free(map->places[i].key);
        map->places[i].kind = PLACE_EMPTY;
    }
    map->full = 0;
    map->tombstones = 0;
    map->resizes = 0;
}

// ... existing code ...
