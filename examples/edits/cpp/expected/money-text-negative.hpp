#pragma once

#include <cstdint>
#include <stdexcept>
#include <string>

namespace shop {

/// An amount of money in cents. There is no currency conversion.
class Money {
public:
    Money() = default;
    explicit Money(std::int64_t cents) : cents_(cents) {}

    std::int64_t cents() const { return cents_; }

    Money plus(Money other) const
    {
        return Money(cents_ + other.cents_);
    }

    /// The share of a percentage, rounded towards zero.
    Money percent(int value) const
    {
        return Money(cents_ * value / 100);
    }

    /// Text such as "12.05".
    std::string text() const
    {
        if (cents_ < 0)
            return "-" + Money(-cents_).text();
        std::string rest = std::to_string(cents_ % 100);
        if (rest.size() < 2)
            rest.insert(0, "0");
        return std::to_string(cents_ / 100) + "." + rest;
    }

    friend bool operator==(Money a, Money b) { return a.cents_ == b.cents_; }
    friend bool operator<(Money a, Money b) { return a.cents_ < b.cents_; }

private:
    std::int64_t cents_ = 0;
};

} // namespace shop
