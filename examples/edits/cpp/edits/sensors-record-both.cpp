    void record(double value)
    {
        readings_.push_back(value + 30);
    }
