// ... existing code ...

class WaitingList {
public:
    // ... existing code ...

    bool empty(const std::string& isbn) const
    {
        auto found = queues_.find(isbn);
        return found == queues_.end() || found->second.empty();
    }

    std::size_t length(const std::string& isbn) const
    {
        return empty(isbn) ? 0 : queues_.at(isbn).size();
    }

    // ... existing code ...
};

// ... existing code ...
