    char read_escape()
    {
        if (pos_ == text_.size())
            fail("string without end");
        // ... existing code ...
        switch (c) {
        // ... existing code ...
        case 't':
            return '\t';
        case 'r':
            return '\r';
        case '"':
        case '\\':
        case '/':
            return c;
        default:
            fail("unknown escape");
        }
    }
