"""Two caches with the same face: by recency and by age."""

import time
from collections import OrderedDict


class CacheStats:
    """Counters shared by both caches."""

    def __init__(self):
        self.hits = 0
        self.misses = 0
        self.evictions = 0

    @property
    def ratio(self):
        total = self.hits + self.misses
        return self.hits / total if total else 0.0

    def clear(self):
        self.hits = self.misses = self.evictions = 0


class LruCache:
    """Keeps the `capacity` most recently used entries."""

    def __init__(self, capacity, stats=None):
        self._capacity = capacity
        self._entries = OrderedDict()
        self.stats = stats or CacheStats()

    def get(self, key, default=None):
        if key not in self._entries:
            self.stats.misses += 1
            return default
        self.stats.hits += 1
        self._entries.move_to_end(key)
        return self._entries[key]

    def put(self, key, value):
        if self._capacity == 0:
            return
        self._entries[key] = value
        self._entries.move_to_end(key)
        while len(self._entries) > self._capacity:
            self._entries.popitem(last=False)
            self.stats.evictions += 1

    def clear(self):
        self._entries.clear()

    def __len__(self):
        return len(self._entries)


class TtlCache:
    """Forgets an entry `ttl` seconds after it was stored."""

    def __init__(self, ttl, clock=time.monotonic, stats=None):
        self._ttl = ttl
        self._clock = clock
        self._entries = {}
        self.stats = stats or CacheStats()

    def get(self, key, default=None):
        entry = self._entries.get(key)
        if entry is None or entry[0] <= self._clock():
            self.stats.misses += 1
            return default
        self.stats.hits += 1
        return entry[1]

    def put(self, key, value):
        self._entries[key] = (self._clock() + self._ttl, value)

    def sweep(self):
        """Drop the entries whose time is over; returns how many."""
        now = self._clock()
        stale = [key for key, (until, _) in self._entries.items() if until <= now]
        for key in stale:
            del self._entries[key]
        self.stats.evictions += len(stale)
        return len(stale)

    def __len__(self):
        return len(self._entries)


def memoize(cache):
    """Decorator: remember a one-argument function's results in `cache`."""
    missing = object()

    def decorate(func):
        def wrapper(arg):
            found = cache.get(arg, missing)
            if found is not missing:
                return found
            value = func(arg)
            cache.put(arg, value)
            return value

        return wrapper

    return decorate
