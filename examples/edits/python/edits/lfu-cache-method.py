class LfuCache:
    # ... existing code ...

    def touch(self, key):
        self._counts[key] += 1
        self.stats.hits += 1

    # ... existing code ...
