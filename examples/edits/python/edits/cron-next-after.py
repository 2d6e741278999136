    def next_after(self, moment):
        candidate = moment.replace(second=0, microsecond=0)
        # One week has all combinations there are.
        for _ in range(7 * 24 * 60):
            candidate += timedelta(minutes=1)
            if candidate.hour not in self.hours:
                continue
            if self.matches(candidate):
                return candidate
        raise RuleError("rule never matches")
