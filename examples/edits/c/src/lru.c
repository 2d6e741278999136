// A page cache with a fixed number of slots. The slot that was not used for
// the longest time is taken first when a new page has to be loaded.
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES 512
#define NO_SLOT (-1)

typedef struct slot {
  uint32_t page;
  bool used;
  bool dirty;
  int newer;
  int older;
  uint8_t bytes[PAGE_BYTES];
} slot_t;

typedef struct cache {
  slot_t *slots;
  int capacity;
  int newest;
  int oldest;
  unsigned long hits;
  unsigned long misses;
} cache_t;

typedef void (*page_io)(uint32_t page, uint8_t *bytes);

bool cache_open(cache_t *cache, int capacity) {
  memset(cache, 0, sizeof *cache);
  cache->slots = calloc((size_t)capacity, sizeof *cache->slots);
  if (!cache->slots) {
    return false;
  }
  cache->capacity = capacity;
  cache->newest = 0;
  cache->oldest = capacity - 1;
  for (int i = 0; i < capacity; i++) {
    cache->slots[i].newer = i - 1;
    cache->slots[i].older = i + 1 < capacity ? i + 1 : NO_SLOT;
  }
  return true;
}

// Takes the slot out of the use list.
static void unlink_slot(cache_t *cache, int index) {
  slot_t *slot = &cache->slots[index];
  if (slot->newer != NO_SLOT) {
    cache->slots[slot->newer].older = slot->older;
  } else {
    cache->newest = slot->older;
  }
  if (slot->older != NO_SLOT) {
    cache->slots[slot->older].newer = slot->newer;
  } else {
    cache->oldest = slot->newer;
  }
}

// Puts the slot at the fresh end of the use list.
static void push_front(cache_t *cache, int index) {
  slot_t *slot = &cache->slots[index];
  slot->newer = NO_SLOT;
  slot->older = cache->newest;
  if (cache->newest != NO_SLOT) {
    cache->slots[cache->newest].newer = index;
  } else {
    cache->oldest = index;
  }
  cache->newest = index;
}

static int find_slot(const cache_t *cache, uint32_t page) {
  for (int i = cache->newest; i != NO_SLOT; i = cache->slots[i].older) {
    if (cache->slots[i].used && cache->slots[i].page == page) {
      return i;
    }
  }
  return NO_SLOT;
}

// Returns the bytes of a page; loads it when it is not in the cache.
uint8_t *cache_fetch(cache_t *cache, uint32_t page, page_io load,
                     page_io store) {
  int index = find_slot(cache, page);
  if (index != NO_SLOT) {
    cache->hits++;
    unlink_slot(cache, index);
    push_front(cache, index);
    return cache->slots[index].bytes;
  }
  cache->misses++;
  index = cache->oldest;
  slot_t *slot = &cache->slots[index];
  if (slot->used && slot->dirty) {
    store(slot->page, slot->bytes);
  }
  load(page, slot->bytes);
  slot->page = page;
  slot->used = true;
  slot->dirty = false;
  unlink_slot(cache, index);
  push_front(cache, index);
  return slot->bytes;
}

void cache_mark_dirty(cache_t *cache, uint32_t page) {
  int index = find_slot(cache, page);
  if (index != NO_SLOT) {
    cache->slots[index].dirty = true;
  }
}

void cache_close(cache_t *cache) {
  free(cache->slots);
  memset(cache, 0, sizeof *cache);
}
