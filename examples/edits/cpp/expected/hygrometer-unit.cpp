#include <algorithm>
#include <string>
#include <vector>

class Thermometer {
public:
    void record(double value)
    {
        readings_.push_back(value + 10);
    }

    double highest() const
    {
        return *std::max_element(readings_.begin(), readings_.end());
    }

    std::string unit() const
    {
        return "C";
    }

private:
    std::vector<double> readings_;
};

class Hygrometer {
public:
    void record(double value)
    {
        readings_.push_back(value + 20);
    }

    double dew_margin(double limit) const
    {
        return limit - readings_.back();
    }

    std::string unit() const
    {
        return "% RH";
    }

private:
    std::vector<double> readings_;
};

/* One line for the display. */
std::string headline(const Thermometer& t, const Hygrometer& h)
{
    return std::to_string(t.highest()) + t.unit() + " / " + h.unit();
}
