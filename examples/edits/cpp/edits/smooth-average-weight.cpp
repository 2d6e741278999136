  void add(double sample) {
    if (first_) {
      value_ = sample;
      first_ = false;
      return;
    }
    value_ = weight_ * sample + (1.0 - weight_) * value_;
  }
