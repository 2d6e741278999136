    def run_pending(self):
        """Run all jobs that are due, and return how many ran."""
        if self._paused:
            log.debug("paused, nothing runs")
            return 0
        # ... existing code ...
        return count
