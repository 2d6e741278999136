class Sort:
    # ... existing code ...

    @staticmethod
    def _key(value):
        # Nulls sort above everything.
        return (value is None, value)
