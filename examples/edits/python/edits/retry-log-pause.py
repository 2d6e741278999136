def retry(times=3, first=0.1, factor=2.0, on=(OSError,)):
    """Decorator: call again when one of the `on` exceptions is raised."""

    def decorate(func):
        @functools.wraps(func)
        def wrapper(*args, **kwargs):
            for pause in delays(first, factor, times - 1):
                try:
                    return func(*args, **kwargs)
                except on as error:
                    log.warning("%s failed, next try in %.1f s: %s", func.__name__, pause, error)
                    time.sleep(pause)
            # ... existing code ...

        return wrapper

    return decorate
