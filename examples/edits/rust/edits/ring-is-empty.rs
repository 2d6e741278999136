impl<T, const N: usize> Ring<T, N> {
    // ... existing methods ...

    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    // ... existing methods ...
}
