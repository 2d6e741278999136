"""State machine of one traffic light."""

from enum import Enum


class Colour(Enum):
    RED = "red"
    GREEN = "green"
    AMBER = "amber"


ORDER = {
    Colour.RED: Colour.GREEN,
    Colour.GREEN: Colour.AMBER,
    Colour.AMBER: Colour.RED,
}


class TrafficLight:
    def __init__(self, durations):
        self.durations = durations
        self.colour = Colour.RED
        self.elapsed = 0

    def tick(self, seconds):
        """Advance the clock; a long pause may pass several colours."""
        self.elapsed += seconds
        while self.elapsed >= self.durations[self.colour]:
            self.elapsed -= self.durations[self.colour]
            self.colour = ORDER[self.colour]

    def force(self, colour):
        """Operator override."""
        self.colour = colour
        self.elapsed = 0

    @property
    def is_go(self):
        return self.colour is Colour.GREEN
