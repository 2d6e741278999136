"""A fixed-size buffer that forgets its oldest entries."""


class RingBuffer:
    """Keeps the last `capacity` items pushed."""

    def __init__(self, capacity):
        if capacity < 1:
            raise ValueError("capacity must be positive")
        self._slots = [None] * capacity
        self._start = 0
        self._size = 0

    def __len__(self):
        return self._size

    @property
    def is_full(self):
        return self._size == len(self._slots)

    def push(self, item):
        end = (self._start + self._size) % len(self._slots)
        self._slots[end] = item
        if self._size == len(self._slots):
            self._start = (self._start + 1) % len(self._slots)
        else:
            self._size += 1

    def pop(self):
        # oldest first
        item = self._slots[self._start]
        self._slots[self._start] = None
        self._start = (self._start + 1) % len(self._slots)
        self._size -= 1
        return item

    def __iter__(self):
        for i in range(self._size):
            yield self._slots[(self._start + i) % len(self._slots)]
