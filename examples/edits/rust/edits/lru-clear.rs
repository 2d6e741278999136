    pub fn clear(&mut self) {
        self.index.clear();
        self.nodes.clear();
        self.newest = NIL;
        self.oldest = NIL;
        self.stats.clear();
    }
