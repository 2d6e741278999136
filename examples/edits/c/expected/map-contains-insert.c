/*
 * hashmap.c - string to pointer map with open addressing.
 *
 * Keys are copied into the map, values belong to the caller. Deleted
 * places are marked with a tombstone and cleaned up when the table grows.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef HASHMAP_DEBUG
#include <assert.h>
#define map_assert(x) assert(x)
#else
#define map_assert(x) ((void)0)
#endif

#define MAP_MIN_PLACES 8u
#define MAP_MAX_LOAD_PERCENT 70u

enum place_kind {
    PLACE_EMPTY = 0,
    PLACE_FULL,
    PLACE_TOMBSTONE
};

struct place {
    enum place_kind kind;
    uint32_t hash;
    char *key;
    void *value;
};

struct hashmap {
    struct place *places;
    size_t place_count;   /* always a power of two */
    size_t full;
    size_t tombstones;
};

struct map_iter {
    const struct hashmap *map;
    size_t next;
};

/* ------------------------------------------------------------------ */
/* Helpers                                                            */
/* ------------------------------------------------------------------ */

static uint32_t hash_key(const char *key)
{
    uint32_t hash = 5381;

    for (; *key != '\0'; key++)
        hash = hash * 33 + (unsigned char)*key;
    return hash;
}

static char *copy_key(const char *key)
{
    size_t size = strlen(key) + 1;
    char *copy = malloc(size);

    if (copy != NULL)
        memcpy(copy, key, size);
    return copy;
}

/*
 * Finds the place of a key. When the key is not there, the result is the
 * place where it should be put: the first tombstone on the way, or the
 * empty place at the end.
 */
static struct place *find_place(struct place *places, size_t count,
                                const char *key, uint32_t hash)
{
    size_t index = hash & (count - 1);
    struct place *reusable = NULL;

    for (;;) {
        struct place *p = &places[index];

        switch (p->kind) {
        case PLACE_EMPTY:
            return reusable != NULL ? reusable : p;
        case PLACE_TOMBSTONE:
            if (reusable == NULL)
                reusable = p;
            break;
        case PLACE_FULL:
            if (p->hash == hash && strcmp(p->key, key) == 0)
                return p;
            break;
        }
        index = (index + 1) & (count - 1);
    }
}

/* Moves everything into a table of another size; drops the tombstones. */
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
    return true;
}

static bool needs_growth(const struct hashmap *map)
{
    size_t taken = map->full + map->tombstones + 1;

    return taken * 100 > map->place_count * MAP_MAX_LOAD_PERCENT;
}

/* ------------------------------------------------------------------ */
/* Life of a map                                                      */
/* ------------------------------------------------------------------ */

struct hashmap *map_new(void)
{
    struct hashmap *map = calloc(1, sizeof *map);

    if (map == NULL)
        return NULL;
    map->places = calloc(MAP_MIN_PLACES, sizeof *map->places);
    if (map->places == NULL) {
        free(map);
        return NULL;
    }
    map->place_count = MAP_MIN_PLACES;
    return map;
}

/* Removes all entries and keeps the memory of the table. */
void map_clear(struct hashmap *map)
{
    for (size_t i = 0; i < map->place_count; i++) {
        if (map->places[i].kind == PLACE_FULL)
            free(map->places[i].key);
        map->places[i].kind = PLACE_EMPTY;
    }
    map->full = 0;
    map->tombstones = 0;
}

void map_free(struct hashmap *map)
{
    if (map == NULL)
        return;
    map_clear(map);
    free(map->places);
    free(map);
}

/* ------------------------------------------------------------------ */
/* Access                                                             */
/* ------------------------------------------------------------------ */

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

/* Returns the value of the key, or NULL. */
void *map_get(const struct hashmap *map, const char *key)
{
    struct place *p = find_place(map->places, map->place_count, key,
                                 hash_key(key));

    return p->kind == PLACE_FULL ? p->value : NULL;
}

/*
 * Sets the value of a key. The old value, if any, is stored in `*old`
 * when `old` is not NULL. Returns false when there is no memory.
 */
bool map_set(struct hashmap *map, const char *key, void *value, void **old)
{
    uint32_t hash = hash_key(key);
    struct place *p;

    if (old != NULL)
        *old = NULL;
    if (needs_growth(map) && !resize(map, map->place_count * 2))
        return false;
    p = find_place(map->places, map->place_count, key, hash);
    if (p->kind == PLACE_FULL) {
        if (old != NULL)
            *old = p->value;
        p->value = value;
        return true;
    }
    char *copy = copy_key(key);
    if (copy == NULL)
        return false;
    if (p->kind == PLACE_TOMBSTONE)
        map->tombstones--;
    p->kind = PLACE_FULL;
    p->hash = hash;
    p->key = copy;
    p->value = value;
    map->full++;
    return true;
}

/* Removes a key and returns its value, or NULL when it was not there. */
void *map_remove(struct hashmap *map, const char *key)
{
    struct place *p = find_place(map->places, map->place_count, key,
                                 hash_key(key));
    void *value;

    if (p->kind != PLACE_FULL)
        return NULL;
    value = p->value;
    free(p->key);
    p->key = NULL;
    p->value = NULL;
    p->kind = PLACE_TOMBSTONE;
    map->full--;
    map->tombstones++;
    return value;
}

/* ------------------------------------------------------------------ */
/* Iteration                                                          */
/* ------------------------------------------------------------------ */

void map_iter_begin(struct map_iter *iter, const struct hashmap *map)
{
    iter->map = map;
    iter->next = 0;
}

/* Steps to the next entry; false at the end. The order is arbitrary. */
bool map_iter_next(struct map_iter *iter, const char **key, void **value)
{
    while (iter->next < iter->map->place_count) {
        const struct place *p = &iter->map->places[iter->next++];

        if (p->kind == PLACE_FULL) {
            *key = p->key;
            *value = p->value;
            return true;
        }
    }
    return false;
}
