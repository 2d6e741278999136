class TrafficLight:
    # ... existing methods ...

    def force(self, colour):
        """Operator override."""
        if not isinstance(colour, Colour):
            raise TypeError(f"not a colour: {colour!r}")
        self.colour = colour
        self.elapsed = 0

    # ... existing methods ...
