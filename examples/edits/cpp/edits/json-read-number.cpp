Value read_number()
{
    const char* start = text_.c_str() + pos_;
    char* end = nullptr;
    double number = std::strtod(start, &end);
    if (end == start || !std::isfinite(number))
        fail("value expected");
    pos_ += static_cast<std::size_t>(end - start);
    return Value(number);
}
