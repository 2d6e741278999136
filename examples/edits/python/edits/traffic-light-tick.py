def tick(self, seconds):
    """Advance the clock; a long pause may pass several colours."""
    self.elapsed += seconds
    while self.elapsed >= self.durations[self.colour]:
        self.elapsed -= self.durations[self.colour]
        self.colour = ORDER[self.colour]
