// ... existing code ...

class Account {
public:
    // ... existing code ...

    bool can_withdraw(Cents amount) const
    {
        return amount > 0 && balance_ + limit_ >= amount;
    }

    // ... existing code ...
};

// ... existing code ...

void Ledger::post(const std::string& id, Cents amount, const std::string& text)
{
    Account& target = account(id);
    journal_.push_back({id, amount, text});
    target.apply(amount);
}

// ... existing code ...
