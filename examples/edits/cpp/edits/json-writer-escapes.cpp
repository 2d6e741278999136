/* ... existing code ... */

/** Writes values in one line. */
class Writer {
    /* ... existing code ... */

    void put_number(double number)
    {
        if (!std::isfinite(number)) {
            out_ += "null";
            return;
        }
        char buffer[32];
        std::snprintf(buffer, sizeof buffer, "%.17g", number);
        out_ += buffer;
    }

    void put_string(const std::string& text)
    {
        out_ += '"';
        for (char c : text) {
            if (c == '\n') {
                out_ += "\\n";
                continue;
            }
            if (c == '"' || c == '\\')
                out_ += '\\';
            out_ += c;
        }
        out_ += '"';
    }

    /* ... existing code ... */
};

/* ... existing code ... */
