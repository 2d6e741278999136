def delays(first, factor, count, longest=30.0):
    """Yield `count` growing pauses in seconds, none above `longest`."""
    pause = first
    for _ in range(count):
        yield min(pause, longest)
        pause *= factor
