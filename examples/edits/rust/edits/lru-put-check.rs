    pub fn put(&mut self, key: K, value: V) {
        if let Some(&at) = self.index.get(&key) {
            self.nodes[at].value = value;
            self.unlink(at);
            self.push_front(at);
            return;
        }
        // ... existing code ...
        self.index.insert(key, at);
        debug_assert!(self.index.len() <= self.capacity);
        self.push_front(at);
    }
