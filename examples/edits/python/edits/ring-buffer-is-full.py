class RingBuffer:
    # ... existing code ...

    def __len__(self):
        return self._size

    @property
    def is_full(self):
        return self._size == len(self._slots)

    # ... existing code ...
