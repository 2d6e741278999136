std::string text() const
{
    if (cents_ < 0)
        return "-" + Money(-cents_).text();
    std::string rest = std::to_string(cents_ % 100);
    if (rest.size() < 2)
        rest.insert(0, "0");
    return std::to_string(cents_ / 100) + "." + rest;
}
