// ... existing code ...

/// The rules that hold for one kind of membership.
struct Rules {
    int max_books;
    int loan_days;
    int max_renewals;
    Cents fee_per_day;
    Cents max_fee;
    Cents max_debt;
};

const Rules& rules_for(Membership membership)
{
    static const Rules child = {10, 28, 2, 5, 100, 500};
    static const Rules adult = {6, 21, 2, 20, 800, 1500};
    static const Rules student = {12, 28, 3, 10, 400, 1500};
    static const Rules staff = {30, 90, 9, 0, 0, 0};

    switch (membership) {
    case Membership::Child:
        return child;
    case Membership::Student:
        return student;
    case Membership::Staff:
        return staff;
    case Membership::Adult:
        break;
    }
    return adult;
}

// ... existing code ...

Cents Desk::late_fee(const Loan& loan, Day today) const
{
    if (!loan.late(today))
        return 0;
    const Rules& rules = members_.at(loan.member).rules();
    return std::min((today - loan.due) * rules.fee_per_day, rules.max_fee);
}

// ... existing code ...
