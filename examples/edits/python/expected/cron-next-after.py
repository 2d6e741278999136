"""A cooperative job scheduler with cron-like rules.

Jobs are plain callables. The scheduler never starts threads: somebody has
to call `run_pending` from time to time, usually in a loop with a sleep of
`seconds_until_next`.
"""

import heapq
import itertools
import logging
from dataclasses import dataclass, field
from datetime import datetime, timedelta

log = logging.getLogger("scheduler")

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class RuleError(ValueError):
    """A rule that cannot be understood."""


def parse_field(text, low, high):
    """Parse one field of a rule into a sorted tuple of numbers.

    Known forms: `*`, `5`, `1-5`, `*/15`, `1-30/5`, and lists of those
    separated by commas.
    """
    numbers = set()
    for part in text.split(","):
        span, _, step_text = part.partition("/")
        step = int(step_text) if step_text else 1
        if step < 1:
            raise RuleError(f"step must be positive in {part!r}")
        if span == "*":
            start, stop = low, high
        elif "-" in span:
            start_text, stop_text = span.split("-", 1)
            start, stop = int(start_text), int(stop_text)
        else:
            start = stop = int(span)
        if start < low or stop > high or start > stop:
            raise RuleError(f"{part!r} is outside of {low}-{high}")
        numbers.update(range(start, stop + 1, step))
    return tuple(sorted(numbers))


def parse_weekdays(text):
    """Like `parse_field`, with names of days: 'mon,wed' or 'mon-fri'."""
    lowered = text.lower()
    for index, name in enumerate(WEEKDAYS):
        lowered = lowered.replace(name, str(index))
    return parse_field(lowered, 0, 6)


class Rule:
    """Base class: a rule knows the next moment after a given one."""

    def next_after(self, moment):
        raise NotImplementedError

    def describe(self):
        return type(self).__name__


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


class Daily(Rule):
    """Once a day at a time given as 'HH:MM'."""

    def __init__(self, at):
        hour, _, minute = at.partition(":")
        self.hour = int(hour)
        self.minute = int(minute)

    def next_after(self, moment):
        candidate = moment.replace(
            hour=self.hour, minute=self.minute, second=0, microsecond=0
        )
        if candidate <= moment:
            candidate += timedelta(days=1)
        return candidate

    def describe(self):
        return f"daily at {self.hour:02}:{self.minute:02}"


class Cron(Rule):
    """Minute, hour and weekday fields, as in a crontab."""

    def __init__(self, minute="*", hour="*", weekday="*"):
        self.minutes = parse_field(minute, 0, 59)
        self.hours = parse_field(hour, 0, 23)
        self.weekdays = parse_weekdays(weekday)

    def matches(self, moment):
        return (
            moment.minute in self.minutes
            and moment.hour in self.hours
            and moment.weekday() in self.weekdays
        )

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


@dataclass(order=True)
class Entry:
    """A job's place in the queue; ordered by time, then by arrival."""

    due: datetime
    number: int
    job: "Job" = field(compare=False)


class Job:
    def __init__(self, name, action, rule):
        self.name = name
        self.action = action
        self.rule = rule
        self.runs = 0
        self.failures = 0
        self.cancelled = False

    def cancel(self):
        self.cancelled = True

    def run(self):
        """Run the action; a failing action is logged, never raised."""
        self.runs += 1
        try:
            self.action()
        except Exception:
            self.failures += 1
            log.exception("job %s failed", self.name)
            return False
        return True

    def __repr__(self):
        return f"<Job {self.name} {self.rule.describe()}>"


class Scheduler:
    def __init__(self, clock=datetime.now):
        self._clock = clock
        self._queue = []
        self._numbers = itertools.count()
        self._paused = False

    def add(self, name, action, rule):
        job = Job(name, action, rule)
        self._push(job, rule.next_after(self._clock()))
        return job

    def every(self, **kwargs):
        """Decorator form of `add` with an `Every` rule."""

        def register(action):
            self.add(action.__name__, action, Every(**kwargs))
            return action

        return register

    def pause(self):
        self._paused = True

    def resume(self):
        """Start again; jobs that were due in the pause run once."""
        self._paused = False

    def run_pending(self):
        """Run all jobs that are due, and return how many ran."""
        if self._paused:
            return 0
        now = self._clock()
        count = 0
        while self._queue and self._queue[0].due <= now:
            entry = heapq.heappop(self._queue)
            job = entry.job
            if job.cancelled:
                continue
            log.debug("running %s", job.name)
            job.run()
            count += 1
            self._push(job, job.rule.next_after(now))
        return count

    def seconds_until_next(self, default=60.0):
        if not self._queue:
            return default
        wait = (self._queue[0].due - self._clock()).total_seconds()
        return max(0.0, wait)

    def jobs(self):
        """All jobs that are not cancelled, next one first."""
        return [entry.job for entry in sorted(self._queue) if not entry.job.cancelled]

    def _push(self, job, due):
        heapq.heappush(self._queue, Entry(due, next(self._numbers), job))


def overview(scheduler):
    """A table of the jobs for the status page."""
    rows = [("job", "rule", "runs", "failures")]
    for job in scheduler.jobs():
        rows.append((job.name, job.rule.describe(), str(job.runs), str(job.failures)))
    widths = [max(len(row[i]) for row in rows) for i in range(4)]
    lines = []
    for row in rows:
        lines.append("  ".join(cell.ljust(width) for cell, width in zip(row, widths)))
    return "\n".join(line.rstrip() for line in lines)
