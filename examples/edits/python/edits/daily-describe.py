class Daily(Rule):
    # ... existing methods ...

    def describe(self):
        return f"every day at {self.hour:02}:{self.minute:02}"
