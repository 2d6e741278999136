    bool available() const
    {
        return !lent_ && !damaged_;
    }
