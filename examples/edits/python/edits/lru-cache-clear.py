class LruCache:
    # ... existing code ...

    def clear(self):
        """Forget everything, the counters too."""
        self._entries.clear()
        self.stats.clear()

    # ... existing code ...
