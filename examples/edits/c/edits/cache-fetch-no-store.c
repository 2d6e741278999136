uint8_t *cache_fetch(cache_t *cache, uint32_t page, page_io load,
                     page_io store) {
  int index = find_slot(cache, page);
  // ... existing code ...
  index = cache->oldest;
  slot_t *slot = &cache->slots[index];
  if (store && slot->used && slot->dirty) {
    store(slot->page, slot->bytes);
  }
  load(page, slot->bytes);
  // ... existing code ...
}
