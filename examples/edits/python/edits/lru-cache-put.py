def put(self, key, value):
    if self._capacity == 0:
        return
    self._entries[key] = value
    self._entries.move_to_end(key)
    while len(self._entries) > self._capacity:
        self._entries.popitem(last=False)
        self.stats.evictions += 1
