// ... existing code ...

namespace csv {

// ... existing code ...

std::string quote(const std::string& field)
{
    if (field.find_first_of(",\"\r\n") == std::string::npos)
        return field;
    std::string out = "\"";
    for (char c : field) {
        if (c == '"')
            out.push_back('"');
        out.push_back(c);
    }
    return out + "\"";
}

} // namespace csv

void Sheet::read_csv(std::istream& in)
{
    std::string line;
    for (int row = 0; std::getline(in, line); ++row) {
        if (!line.empty() && line.back() == '\r')
            line.pop_back();
        std::vector<std::string> fields = csv::split(line);
        for (std::size_t column = 0; column < fields.size(); ++column)
            set(CellRef{static_cast<int>(column), row}, fields[column]);
    }
}

// ... existing code ...
