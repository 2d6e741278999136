#ifndef LRU_CACHE_HPP
#define LRU_CACHE_HPP

#include <cstddef>
#include <functional>
#include <list>
#include <optional>
#include <unordered_map>
#include <utility>

namespace store {

/// Counts what happened to a cache since it was made.
struct CacheStats {
    std::size_t hits = 0;
    std::size_t misses = 0;
    std::size_t evictions = 0;

    double hit_rate() const
    {
        std::size_t total = hits + misses;
        return total == 0 ? 0.0 : static_cast<double>(hits) / total;
    }
};

/**
 * A map of limited size. When it is full, the entry that was not used for
 * the longest time makes room for the new one.
 */
template <typename Key, typename Value, typename Hash = std::hash<Key>>
class LruCache {
public:
    using Entry = std::pair<Key, Value>;

    explicit LruCache(std::size_t capacity) : capacity_(capacity) {}

    LruCache(const LruCache&) = delete;
    LruCache& operator=(const LruCache&) = delete;

    /// Returns a copy of the value and makes the entry the newest one.
    std::optional<Value> get(const Key& key)
    {
        auto found = index_.find(key);
        if (found == index_.end()) {
            ++stats_.misses;
            return std::nullopt;
        }
        ++stats_.hits;
        touch(found->second);
        return found->second->second;
    }

    /// Stores a value; an old value of the key is replaced.
    void put(const Key& key, Value value)
    {
        auto found = index_.find(key);
        if (found != index_.end()) {
            found->second->second = std::move(value);
            touch(found->second);
            return;
        }
        if (entries_.size() == capacity_)
            evict();
        entries_.emplace_front(key, std::move(value));
        index_[key] = entries_.begin();
    }

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

    bool erase(const Key& key)
    {
        auto found = index_.find(key);
        if (found == index_.end())
            return false;
        entries_.erase(found->second);
        index_.erase(found);
        return true;
    }

    void clear()
    {
        entries_.clear();
        index_.clear();
    }

    std::size_t size() const { return entries_.size(); }
    const CacheStats& stats() const { return stats_; }

private:
    using Iterator = typename std::list<Entry>::iterator;

    void touch(Iterator it)
    {
        entries_.splice(entries_.begin(), entries_, it);
    }

    void evict()
    {
        index_.erase(entries_.back().first);
        entries_.pop_back();
        ++stats_.evictions;
    }

    std::size_t capacity_;
    std::list<Entry> entries_;
    std::unordered_map<Key, Iterator, Hash> index_;
    CacheStats stats_;
};

} // namespace store

#endif // LRU_CACHE_HPP
