// ... existing code ...

class PivotTable {
public:
    // ... existing code ...

    void regroup(int field)
    {
        groups_.clear();
        grouping_field_ = field;
        rebuild_totals();
    }

    // ... existing code ...
};

// ... existing code ...
