const Loan& Desk::lend(int number, const std::string& isbn, Day today)
{
    Member& who = member(number);
    // ... existing code ...
    loan.label = copy->label();
    loan.due = today + who.rules().loan_days;
    if (copy->damaged())
        loan.renewals = who.rules().max_renewals;
    return loans_[loan.label] = loan;
}
