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
        """Advance the clock, changing colour when the time is up."""
        self.elapsed += seconds
        if self.elapsed >= self.durations[self.colour]:
            self.elapsed = 0
            self.colour = ORDER[self.colour]

    def force(self, colour):
        """Operator override."""
        if not isinstance(colour, Colour):
            raise TypeError(f"not a colour: {colour!r}")
        self.colour = colour
        self.elapsed = 0

    @property
    def is_go(self):
        return self.colour is Colour.GREEN
