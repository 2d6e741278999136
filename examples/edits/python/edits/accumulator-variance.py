class Accumulator:
    """Collects the values of one group, with what the variance needs."""

    def __init__(self):
        self.count = 0
        self.sum = 0
        self.squares = 0
        self.low = None
        self.high = None

    def add(self, value):
        if value is None:
            return
        self.count += 1
        if isinstance(value, (int, float)):
            self.sum += value
            self.squares += value * value
        if self.low is None or value < self.low:
            self.low = value
        if self.high is None or value > self.high:
            self.high = value

    def variance(self):
        mean = self.sum / self.count
        return self.squares / self.count - mean * mean
