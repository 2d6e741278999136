    std::string display() const
    {
        switch (kind_) {
        case Kind::Empty:
            return "";
        case Kind::Text:
            return text_;
        case Kind::Error:
            return error_text(error_);
        case Kind::Number:
            break;
        }
        if (std::isnan(number_))
            return error_text(ErrorCode::Type);
        char buffer[40];
        std::snprintf(buffer, sizeof buffer, "%.10g", number_);
        return buffer;
    }
