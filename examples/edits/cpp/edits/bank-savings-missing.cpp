class SavingsAccount : public Account {
public:
    // ... existing code ...

    void add_interest(int basis_points)
    {
        apply(balance() * basis_points / 10000);
    }

    // ... existing code ...
};
