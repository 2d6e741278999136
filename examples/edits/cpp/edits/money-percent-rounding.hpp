    Money percent(int value) const
    {
        std::int64_t product = cents_ * value;
        return Money((product + (product < 0 ? -50 : 50)) / 100);
    }
