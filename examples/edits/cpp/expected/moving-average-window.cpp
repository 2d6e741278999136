#include <cstddef>
#include <deque>
#include <numeric>

// Mean of the last `window` samples.
class MovingAverage {
 public:
  explicit MovingAverage(std::size_t window) : window_(window) {}

  void add(double sample) {
    samples_.push_back(sample);
    if (samples_.size() > window_) {
      samples_.pop_front();
    }
  }

  double value() const {
    if (samples_.size() < window_) {
      return 0.0;
    }
    double sum = std::accumulate(samples_.begin(), samples_.end(), 0.0);
    return sum / static_cast<double>(samples_.size());
  }

  void clear() { samples_.clear(); }

 private:
  std::size_t window_;
  std::deque<double> samples_;
};

// Mean that forgets old samples slowly.
class SmoothAverage {
 public:
  explicit SmoothAverage(double weight) : weight_(weight) {}

  void add(double sample) {
    if (first_) {
      value_ = sample;
      first_ = false;
      return;
    }
    value_ += weight_ * (sample - value_);
  }

  double value() const { return value_; }

 private:
  double weight_;
  double value_ = 0.0;
  bool first_ = true;
};
