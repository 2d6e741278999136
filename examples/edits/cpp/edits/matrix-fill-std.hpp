void fill(const T& value)
{
    cells_.fill(value);
}
