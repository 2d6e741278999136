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
