//! A small least-recently-used cache on top of a `HashMap` and a slab of
//! doubly linked nodes. No unsafe code; indices stand in for pointers.

use std::collections::HashMap;
use std::hash::Hash;

const NIL: usize = usize::MAX;

struct Node<K, V> {
    key: K,
    value: V,
    prev: usize,
    next: usize,
}

/// Counters that the owner may read at any time.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    pub hits: u64,
    pub misses: u64,
    pub evictions: u64,
}

impl Stats {
    /// Share of lookups that were answered from the cache, 0.0 to 1.0.
    pub fn hit_rate(&self) -> f64 {
        let lookups = self.hits + self.misses;
        if lookups == 0 {
            0.0
        } else {
            self.hits as f64 / lookups as f64
        }
    }

    fn clear(&mut self) {
        *self = Stats::default();
    }
}

pub struct LruCache<K, V> {
    index: HashMap<K, usize>,
    nodes: Vec<Node<K, V>>,
    newest: usize,
    oldest: usize,
    capacity: usize,
    stats: Stats,
}

impl<K, V> LruCache<K, V>
where
    K: Hash + Eq + Clone,
{
    /// # Panics
    ///
    /// Panics when `capacity` is zero.
    pub fn new(capacity: usize) -> Self {
        assert!(capacity > 0, "an empty cache caches nothing");
        LruCache {
            index: HashMap::with_capacity(capacity),
            nodes: Vec::with_capacity(capacity),
            newest: NIL,
            oldest: NIL,
            capacity,
            stats: Stats::default(),
        }
    }

    pub fn get(&mut self, key: &K) -> Option<&V> {
        let Some(&at) = self.index.get(key) else {
            self.stats.misses += 1;
            return None;
        };
        self.stats.hits += 1;
        self.unlink(at);
        self.push_front(at);
        Some(&self.nodes[at].value)
    }

    /// Stores `value` and makes it the newest entry.
    pub fn put(&mut self, key: K, value: V) {
        if let Some(&at) = self.index.get(&key) {
            self.nodes[at].value = value;
            self.unlink(at);
            self.push_front(at);
            return;
        }
        let at = if self.nodes.len() < self.capacity {
            self.nodes.push(Node {
                key: key.clone(),
                value,
                prev: NIL,
                next: NIL,
            });
            self.nodes.len() - 1
        } else {
            // Reuse the slot of the oldest entry.
            let at = self.oldest;
            self.unlink(at);
            let node = &mut self.nodes[at];
            self.index.remove(&node.key);
            node.key = key.clone();
            node.value = value;
            self.stats.evictions += 1;
            at
        };
        self.index.insert(key, at);
        debug_assert!(self.index.len() <= self.capacity);
        self.push_front(at);
    }

    pub fn clear(&mut self) {
        self.index.clear();
        self.nodes.clear();
        self.newest = NIL;
        self.oldest = NIL;
    }

    fn unlink(&mut self, at: usize) {
        let (prev, next) = (self.nodes[at].prev, self.nodes[at].next);
        match prev {
            NIL => self.newest = next,
            p => self.nodes[p].next = next,
        }
        match next {
            NIL => self.oldest = prev,
            n => self.nodes[n].prev = prev,
        }
    }

    fn push_front(&mut self, at: usize) {
        self.nodes[at].prev = NIL;
        self.nodes[at].next = self.newest;
        match self.newest {
            NIL => self.oldest = at,
            n => self.nodes[n].prev = at,
        }
        self.newest = at;
    }
}
