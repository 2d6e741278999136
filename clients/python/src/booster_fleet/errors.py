"""What can go wrong."""

from __future__ import annotations

import builtins
import json
from typing import List, Optional

from .types import Outcome, Problem


class BoosterError(Exception):
    """What every error of this package is."""


class ProblemError(BoosterError):
    """The gateway said no."""

    def __init__(self, problem: Problem, retry_after: Optional[float] = None) -> None:
        super().__init__(f"{problem['status']} {problem['code']}: {problem['detail']}")
        #: The whole problem document.
        self.problem = problem
        #: What ``Retry-After`` said, seconds.
        self.retry_after = retry_after

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self.problem["status"]

    @property
    def code(self) -> str:
        """The stable, machine-readable code."""
        return self.problem["code"]


class ConnectionError(BoosterError, builtins.ConnectionError):
    """The gateway could not be reached, did not answer in time, or not in its own form."""


class WaitTimeoutError(BoosterError, TimeoutError):
    """Jobs have not ended in the time that their waiter had. They go on."""

    def __init__(self, ids: List[str], timeout: float) -> None:
        more = "…" if len(ids) > 3 else ""
        super().__init__(f"no outcome of {', '.join(ids[:3])}{more} within {timeout} s")
        #: The jobs without an outcome.
        self.ids = ids


class OutcomeError(BoosterError):
    """A job ended otherwise than ``done``."""

    def __init__(self, outcome: Outcome) -> None:
        what = {"refused": outcome.get("refusal"), "dead": outcome.get("error")}.get(outcome["outcome"])
        reason = "" if what is None else f": {json.dumps(what, ensure_ascii=False)}"
        super().__init__(f"job {outcome['id']} ended as {outcome['outcome']}{reason}")
        self.outcome = outcome
