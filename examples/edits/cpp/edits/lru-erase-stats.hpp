    bool erase(const Key& key)
    {
        auto found = index_.find(key);
        if (found == index_.end())
            return false;
        entries_.erase(found->second);
        index_.erase(found);
        ++stats_.evictions;
        return true;
    }
