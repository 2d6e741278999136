// ... existing code ...

class Sheet : private Context {
public:
    // ... existing code ...
    bool undo();
    bool redo();
    // ... existing code ...
    std::vector<Change> changes_;
    std::vector<Change> undone_;
};

void Sheet::set(const CellRef& ref, const std::string& input)
{
    changes_.push_back(Change{ref, this->input(ref)});
    undone_.clear();
    store(ref, input);
}

// ... existing code ...

/// Takes back the last change; false when there is none.
bool Sheet::undo()
{
    if (changes_.empty())
        return false;
    Change change = std::move(changes_.back());
    changes_.pop_back();
    undone_.push_back(Change{change.ref, input(change.ref)});
    store(change.ref, change.before);
    return true;
}

/// Does the last undone change again; false when there is none.
bool Sheet::redo()
{
    if (undone_.empty())
        return false;
    Change change = std::move(undone_.back());
    undone_.pop_back();
    changes_.push_back(Change{change.ref, input(change.ref)});
    store(change.ref, change.before);
    return true;
}

// ... existing code ...
