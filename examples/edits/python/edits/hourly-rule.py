# ... existing code ...


class Every(Rule):
    """Fixed distance from the last run."""

    def __init__(self, **kwargs):
        self.interval = timedelta(**kwargs)
        if self.interval <= timedelta(0):
            raise RuleError("interval must be positive")

    def next_after(self, moment):
        return moment + self.interval

    def describe(self):
        return f"every {self.interval}"


class Hourly(Rule):
    """Once an hour, at the given minute."""

    def __init__(self, minute=0):
        self.minute = minute

    def next_after(self, moment):
        candidate = moment.replace(minute=self.minute, second=0, microsecond=0)
        if candidate <= moment:
            candidate += timedelta(hours=1)
        return candidate

    def describe(self):
        return f"hourly at minute {self.minute}"


# ... existing code ...
