#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <vector>

namespace bank {

using Cents = std::int64_t;

struct Posting {
    std::string account;
    Cents amount;
    std::string text;
};

/// An account with a limit up to which it may be overdrawn.
class Account {
public:
    Account(std::string id, Cents limit) : id_(std::move(id)), limit_(limit) {}

    const std::string& id() const { return id_; }
    Cents balance() const { return balance_; }

    bool can_withdraw(Cents amount) const
    {
        return balance_ + limit_ >= amount;
    }

    void apply(Cents amount)
    {
        balance_ += amount;
    }

private:
    std::string id_;
    Cents limit_;
    Cents balance_ = 0;
};

class Ledger {
public:
    Account& open(const std::string& id, Cents limit);
    Account& account(const std::string& id);
    void deposit(const std::string& id, Cents amount);
    void withdraw(const std::string& id, Cents amount);
    void transfer(const std::string& from, const std::string& to, Cents amount);
    std::vector<Posting> statement(const std::string& id) const;

private:
    void post(const std::string& id, Cents amount, const std::string& text);

    std::map<std::string, Account> accounts_;
    std::vector<Posting> journal_;
};

Account& Ledger::open(const std::string& id, Cents limit)
{
    auto result = accounts_.emplace(id, Account(id, limit));
    if (!result.second)
        throw std::invalid_argument("account exists: " + id);
    return result.first->second;
}

Account& Ledger::account(const std::string& id)
{
    auto found = accounts_.find(id);
    if (found == accounts_.end())
        throw std::out_of_range("no such account: " + id);
    return found->second;
}

void Ledger::post(const std::string& id, Cents amount, const std::string& text)
{
    account(id).apply(amount);
    journal_.push_back({id, amount, text});
}

void Ledger::deposit(const std::string& id, Cents amount)
{
    if (amount <= 0)
        throw std::invalid_argument("amount must be positive");
    post(id, amount, "deposit");
}

void Ledger::withdraw(const std::string& id, Cents amount)
{
    if (amount <= 0)
        throw std::invalid_argument("amount must be positive");
    if (!account(id).can_withdraw(amount))
        throw std::runtime_error("limit exceeded");
    post(id, -amount, "withdrawal");
}

// Both accounts are looked up first, so that nothing is posted when one of
// them does not exist.
void Ledger::transfer(const std::string& from, const std::string& to,
                      Cents amount)
{
    if (from == to)
        throw std::invalid_argument("accounts must differ");
    if (amount <= 0)
        throw std::invalid_argument("amount must be positive");
    Account& source = account(from);
    account(to);
    if (!source.can_withdraw(amount))
        throw std::runtime_error("limit exceeded");
    post(from, -amount, "transfer to " + to);
    post(to, amount, "transfer from " + from);
}

std::vector<Posting> Ledger::statement(const std::string& id) const
{
    std::vector<Posting> result;
    for (const Posting& posting : journal_) {
        if (posting.account == id)
            result.push_back(posting);
    }
    return result;
}

} // namespace bank
