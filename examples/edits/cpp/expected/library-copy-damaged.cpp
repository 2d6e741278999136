// library.cpp - members, books and loans of a public library.
//
// The rules in short: a member may have a number of books at the same time,
// which depends on the kind of the membership. A loan lasts some weeks and
// can be renewed unless somebody else waits for the book. Who brings a book
// back late pays a fee, and who owes too much cannot borrow.
//
// Days are plain numbers; the caller decides what day 0 is.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <ostream>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace library {

using Day = int;
using Cents = std::int64_t;

enum class Membership {
    Child,
    Adult,
    Student,
    Staff
};

/// The rules that hold for one kind of membership.
struct Rules {
    int max_books;
    int loan_days;
    int max_renewals;
    Cents fee_per_day;
    Cents max_debt;
};

const Rules& rules_for(Membership membership)
{
    static const Rules child = {10, 28, 2, 5, 500};
    static const Rules adult = {6, 21, 2, 20, 1500};
    static const Rules student = {12, 28, 3, 10, 1500};
    static const Rules staff = {30, 90, 9, 0, 0};

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

class Refused : public std::runtime_error {
public:
    explicit Refused(const std::string& why) : std::runtime_error(why) {}
};

// ===========================================================================
// Books
// ===========================================================================

/// One physical copy of a book, with its own label.
class Copy {
public:
    Copy(std::string label, std::string isbn)
        : label_(std::move(label)), isbn_(std::move(isbn))
    {
    }

    const std::string& label() const { return label_; }
    const std::string& isbn() const { return isbn_; }
    bool lent() const { return lent_; }
    bool damaged() const { return damaged_; }

    void lend() { lent_ = true; }
    void give_back() { lent_ = false; }
    void mark_damaged() { damaged_ = true; }

    /// True when the copy can be handed out right now.
    bool available() const
    {
        return !lent_ && !damaged_;
    }

private:
    std::string label_;
    std::string isbn_;
    bool lent_ = false;
    bool damaged_ = false;
};

struct Title {
    std::string isbn;
    std::string name;
    std::string author;
    int year = 0;
};

/// All titles and copies, with a simple search.
class Catalog {
public:
    void add_title(Title title);
    void add_copy(const std::string& isbn, const std::string& label);

    const Title* title(const std::string& isbn) const;
    Copy& copy(const std::string& label);
    Copy* free_copy(const std::string& isbn);
    std::vector<const Title*> search(const std::string& words) const;
    std::size_t copy_count(const std::string& isbn) const;

private:
    std::map<std::string, Title> titles_;
    std::map<std::string, Copy> copies_;
};

void Catalog::add_title(Title title)
{
    std::string isbn = title.isbn;
    titles_[isbn] = std::move(title);
}

void Catalog::add_copy(const std::string& isbn, const std::string& label)
{
    if (titles_.count(isbn) == 0)
        throw Refused("no such title: " + isbn);
    copies_.emplace(label, Copy(label, isbn));
}

const Title* Catalog::title(const std::string& isbn) const
{
    auto found = titles_.find(isbn);
    return found == titles_.end() ? nullptr : &found->second;
}

Copy& Catalog::copy(const std::string& label)
{
    auto found = copies_.find(label);
    if (found == copies_.end())
        throw Refused("no such copy: " + label);
    return found->second;
}

// The first copy on the shelf, or nullptr when all are lent.
Copy* Catalog::free_copy(const std::string& isbn)
{
    for (auto& entry : copies_) {
        if (entry.second.isbn() == isbn && entry.second.available())
            return &entry.second;
    }
    return nullptr;
}

std::vector<const Title*> Catalog::search(const std::string& words) const
{
    std::vector<const Title*> result;
    for (const auto& entry : titles_) {
        const Title& title = entry.second;
        if (title.name.find(words) != std::string::npos ||
            title.author.find(words) != std::string::npos)
            result.push_back(&title);
    }
    return result;
}

std::size_t Catalog::copy_count(const std::string& isbn) const
{
    return static_cast<std::size_t>(
        std::count_if(copies_.begin(), copies_.end(), [&](const auto& entry) {
            return entry.second.isbn() == isbn;
        }));
}

// ===========================================================================
// Members
// ===========================================================================

class Member {
public:
    Member(int number, std::string name, Membership membership)
        : number_(number), name_(std::move(name)), membership_(membership)
    {
    }

    int number() const { return number_; }
    const std::string& name() const { return name_; }
    const Rules& rules() const { return rules_for(membership_); }
    Cents debt() const { return debt_; }

    void charge(Cents amount)
    {
        debt_ += amount;
    }

    /// Returns the change when more than the debt was paid.
    Cents pay(Cents amount)
    {
        Cents used = std::min(amount, debt_);
        debt_ -= used;
        return amount - used;
    }

    bool blocked() const
    {
        return debt_ > rules().max_debt;
    }

    void upgrade(Membership membership)
    {
        membership_ = membership;
    }

private:
    int number_;
    std::string name_;
    Membership membership_;
    Cents debt_ = 0;
};

// ===========================================================================
// Loans
// ===========================================================================

struct Loan {
    int member = 0;
    std::string label;
    Day due = 0;
    int renewals = 0;

    bool late(Day today) const { return today > due; }
};

/// People who wait for a title, in the order in which they asked.
class WaitingList {
public:
    void add(const std::string& isbn, int member)
    {
        auto& queue = queues_[isbn];
        if (std::find(queue.begin(), queue.end(), member) == queue.end())
            queue.push_back(member);
    }

    void remove(const std::string& isbn, int member)
    {
        auto& queue = queues_[isbn];
        queue.erase(std::remove(queue.begin(), queue.end(), member), queue.end());
    }

    bool empty(const std::string& isbn) const
    {
        auto found = queues_.find(isbn);
        return found == queues_.end() || found->second.empty();
    }

    /// The member who is next, or 0.
    int first(const std::string& isbn) const
    {
        return empty(isbn) ? 0 : queues_.at(isbn).front();
    }

private:
    std::map<std::string, std::deque<int>> queues_;
};

/// The front desk: everything that changes more than one table.
class Desk {
public:
    explicit Desk(Catalog& catalog) : catalog_(catalog) {}

    int enroll(const std::string& name, Membership membership);
    Member& member(int number);

    const Loan& lend(int number, const std::string& isbn, Day today);
    void renew(const std::string& label, Day today);
    Cents give_back(const std::string& label, Day today);
    void reserve(int number, const std::string& isbn);

    int loans_of(int number) const;
    std::vector<const Loan*> overdue(Day today) const;
    void print_overdue(std::ostream& out, Day today) const;

private:
    Cents late_fee(const Loan& loan, Day today) const;

    Catalog& catalog_;
    std::map<int, Member> members_;
    std::map<std::string, Loan> loans_;
    WaitingList waiting_;
    int next_number_ = 1000;
};

int Desk::enroll(const std::string& name, Membership membership)
{
    int number = next_number_++;
    members_.emplace(number, Member(number, name, membership));
    return number;
}

Member& Desk::member(int number)
{
    auto found = members_.find(number);
    if (found == members_.end())
        throw Refused("no such member");
    return found->second;
}

int Desk::loans_of(int number) const
{
    int count = 0;
    for (const auto& entry : loans_) {
        if (entry.second.member == number)
            ++count;
    }
    return count;
}

// Lends a free copy of the title. The first one in the waiting list goes
// before everybody else.
const Loan& Desk::lend(int number, const std::string& isbn, Day today)
{
    Member& who = member(number);
    if (who.blocked())
        throw Refused("the member owes too much");
    if (loans_of(number) >= who.rules().max_books)
        throw Refused("the member has too many books");
    if (!waiting_.empty(isbn) && waiting_.first(isbn) != number)
        throw Refused("somebody else waits for the book");
    Copy* copy = catalog_.free_copy(isbn);
    if (copy == nullptr)
        throw Refused("all copies are lent");

    copy->lend();
    waiting_.remove(isbn, number);
    Loan loan;
    loan.member = number;
    loan.label = copy->label();
    loan.due = today + who.rules().loan_days;
    return loans_[loan.label] = loan;
}

void Desk::renew(const std::string& label, Day today)
{
    auto found = loans_.find(label);
    if (found == loans_.end())
        throw Refused("the copy is not lent");
    Loan& loan = found->second;
    const Rules& rules = member(loan.member).rules();
    if (loan.renewals >= rules.max_renewals)
        throw Refused("renewed too often");
    if (!waiting_.empty(catalog_.copy(label).isbn()))
        throw Refused("somebody else waits for the book");
    ++loan.renewals;
    loan.due = today + rules.loan_days;
}

Cents Desk::late_fee(const Loan& loan, Day today) const
{
    if (!loan.late(today))
        return 0;
    const Rules& rules = members_.at(loan.member).rules();
    return (today - loan.due) * rules.fee_per_day;
}

// Takes a copy back and returns the fee that was charged.
Cents Desk::give_back(const std::string& label, Day today)
{
    auto found = loans_.find(label);
    if (found == loans_.end())
        throw Refused("the copy is not lent");
    Cents fee = late_fee(found->second, today);
    if (fee > 0)
        member(found->second.member).charge(fee);
    catalog_.copy(label).give_back();
    loans_.erase(found);
    return fee;
}

void Desk::reserve(int number, const std::string& isbn)
{
    member(number);
    if (catalog_.title(isbn) == nullptr)
        throw Refused("no such title: " + isbn);
    waiting_.add(isbn, number);
}

std::vector<const Loan*> Desk::overdue(Day today) const
{
    std::vector<const Loan*> result;
    for (const auto& entry : loans_) {
        if (entry.second.late(today))
            result.push_back(&entry.second);
    }
    std::sort(result.begin(), result.end(),
              [](const Loan* a, const Loan* b) { return a->due < b->due; });
    return result;
}

void Desk::print_overdue(std::ostream& out, Day today) const
{
    for (const Loan* loan : overdue(today)) {
        out << members_.at(loan->member).name() << ": " << loan->label
            << ", " << today - loan->due << " days";
#ifdef LIBRARY_SHOW_FEES
        out << ", " << late_fee(*loan, today) << " cents";
#endif
        out << '\n';
    }
}

// ===========================================================================
// Statistics
// ===========================================================================

/// Counts loans per title over a year.
class Statistics {
public:
    void count(const std::string& isbn)
    {
        ++counts_[isbn];
    }

    int total() const
    {
        int sum = 0;
        for (const auto& entry : counts_)
            sum += entry.second;
        return sum;
    }

    /// The titles that were lent most, best first.
    std::vector<std::string> top(std::size_t limit) const
    {
        std::vector<std::pair<std::string, int>> sorted(counts_.begin(), counts_.end());
        std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
            return a.second > b.second;
        });
        std::vector<std::string> result;
        for (const auto& entry : sorted) {
            if (result.size() == limit)
                break;
            result.push_back(entry.first);
        }
        return result;
    }

    void clear() { counts_.clear(); }

private:
    std::map<std::string, int> counts_;
};

} // namespace library
