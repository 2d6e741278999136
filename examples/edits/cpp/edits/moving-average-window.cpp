class MovingAverage {
  // ... existing code ...

  double value() const {
    if (samples_.size() < window_) {
      return 0.0;
    }
    double sum = std::accumulate(samples_.begin(), samples_.end(), 0.0);
    return sum / static_cast<double>(samples_.size());
  }

  // ... existing code ...
};
