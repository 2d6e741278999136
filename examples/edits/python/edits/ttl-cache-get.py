    def get(self, key, default=None):
        entry = self._entries.get(key)
        if entry is None or entry[0] <= self._clock():
            self._entries.pop(key, None)
            self.stats.misses += 1
            return default
        self.stats.hits += 1
        return entry[1]
