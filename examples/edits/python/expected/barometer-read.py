"""Two kinds of sensors with the same small interface."""


class Thermometer:
    unit = "C"

    def __init__(self, port):
        self.port = port
        self.samples = []

    def read(self):
        value = self.port.sample() / 10
        self.samples.append(value)
        return value

    def reset(self):
        self.samples = []


class Barometer:
    unit = "hPa"

    def __init__(self, port):
        self.port = port
        self.samples = []

    def read(self):
        value = self.port.sample() * 100
        if not 30_000 <= value <= 110_000:
            raise ValueError(f"implausible pressure {value}")
        self.samples.append(value)
        return value

    def reset(self):
        self.samples = []
