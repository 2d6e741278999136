// ... existing code ...

void cache_mark_dirty(cache_t *cache, uint32_t page) {
  int index = find_slot(cache, page);
  if (index != NO_SLOT) {
    cache->slots[index].dirty = true;
  }
}

// Stores every dirty page and marks it clean.
void cache_flush(cache_t *cache, page_io store) {
  for (int i = 0; i < cache->capacity; i++) {
    slot_t *slot = &cache->slots[i];
    if (slot->used && slot->dirty) {
      store(slot->page, slot->bytes);
      slot->dirty = false;
    }
  }
}

// ... existing code ...
