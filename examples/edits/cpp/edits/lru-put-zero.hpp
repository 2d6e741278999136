// ... existing code ...

template <typename Key, typename Value, typename Hash = std::hash<Key>>
class LruCache {
public:
    // ... existing code ...

    void put(const Key& key, Value value)
    {
        auto found = index_.find(key);
        if (found != index_.end()) {
            found->second->second = std::move(value);
            touch(found->second);
            return;
        }
        if (capacity_ == 0)
            return;
        if (entries_.size() == capacity_)
            evict();
        entries_.emplace_front(key, std::move(value));
        index_[key] = entries_.begin();
    }

    // ... existing code ...
};

// ... existing code ...
