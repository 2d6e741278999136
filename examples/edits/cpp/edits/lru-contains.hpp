template <typename Key, typename Value, typename Hash = std::hash<Key>>
class LruCache {
    // ... existing code ...

    /// Looks at a value without changing the order of use.
    const Value* peek(const Key& key) const
    {
        auto found = index_.find(key);
        return found == index_.end() ? nullptr : &found->second->second;
    }

    /// True when the key has a value; the order of use stays.
    bool contains(const Key& key) const
    {
        return index_.count(key) != 0;
    }

    // ... existing code ...
};
