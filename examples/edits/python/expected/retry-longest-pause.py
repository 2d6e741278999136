"""Retry a flaky call with growing pauses."""

import functools
import logging
import time

log = logging.getLogger(__name__)


def delays(first, factor, count, longest=30.0):
    """Yield `count` growing pauses in seconds, none above `longest`."""
    pause = first
    for _ in range(count):
        yield min(pause, longest)
        pause *= factor


def retry(times=3, first=0.1, factor=2.0, on=(OSError,)):
    """Decorator: call again when one of the `on` exceptions is raised."""

    def decorate(func):
        @functools.wraps(func)
        def wrapper(*args, **kwargs):
            for pause in delays(first, factor, times - 1):
                try:
                    return func(*args, **kwargs)
                except on as error:
                    log.warning("%s failed: %s", func.__name__, error)
                    time.sleep(pause)
            return func(*args, **kwargs)

        return wrapper

    return decorate


def never(func):
    """Mark a function that must not be retried."""
    func.__no_retry__ = True
    return func
