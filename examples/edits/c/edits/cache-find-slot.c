static int find_slot(const cache_t *cache, uint32_t page) {
  for (int i = cache->newest; i != NO_SLOT; i = cache->slots[i].older) {
    const slot_t *slot = &cache->slots[i];
    if (!slot->used) {
      break;
    }
    if (slot->page == page) {
      return i;
    }
  }
  return NO_SLOT;
}
