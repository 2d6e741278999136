    def read(self):
        value = self.port.sample() * 100
        if not 30_000 <= value <= 110_000:
            raise ValueError(f"implausible pressure {value}")
        self.samples.append(value)
        return value
