class Hygrometer {
public:
    // ... existing code ...

    std::string unit() const
    {
        return "% RH";
    }

    // ... existing code ...
};
