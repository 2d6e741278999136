class Money {
public:
    // ... existing code ...

    Money plus(Money other) const
    {
        return Money(cents_ + other.cents_);
    }

    Money minus(Money other) const
    {
        return Money(cents_ - other.cents_);
    }

    // ... existing code ...
};
