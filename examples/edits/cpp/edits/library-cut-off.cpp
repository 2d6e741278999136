void Desk::renew(const std::string& label, Day today)
{
    auto found = loans_.find(label);
    if (found == loans_.end())
        throw Refused("the copy is not lent");
    Loan& loan = found->second;
    if (loan.late(today))
        throw Refused("the loan is late");
    const Rules& rules = member(loan.member).rules();
    if (loan.renewals >= rules.max_renewals)
        throw Refused("renewed too often");
    if (!waiting_.empty(catalog_.copy(label)
