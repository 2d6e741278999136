"""What the gateway takes and gives, as JSON objects.

Times are Unix milliseconds. Readers ignore fields that they do not know. ``_openapi`` is generated from the gateway's
OpenAPI document; here its types get the names that callers use, and beside them stands what the document cannot say:
what jobs and outcomes look like to a caller, what a booster answers, what an event tells.
"""

from __future__ import annotations

from typing import Any, List, Literal, TypedDict

from typing_extensions import NotRequired

from ._openapi import Accepted as Submitted
from ._openapi import Cancelled, DeadJob, DeadPage, JobState, Priority, Problem, Task
from ._openapi import Failure as ErrorDetail
from ._openapi import Performance as PerformanceMetrics
from ._openapi import PoolView as Pool
from ._openapi import QueueView as Queue
from ._openapi import SlotView as Slot
from ._openapi import WorkerView as Worker

#: How a job ended.
OutcomeKind = Literal["done", "refused", "dead", "cancelled"]
#: The types of events.
EventType = Literal[
    "booster.requested",
    "booster.allocated",
    "booster.task.completed",
    "booster.error",
    "booster.recovered",
    "booster.pool.updated",
    "booster.module.updated",
]

__all__ = [
    "ApplyOutput",
    "Cancelled",
    "DeadJob",
    "DeadPage",
    "Enqueued",
    "ErrorDetail",
    "EventType",
    "FleetEvent",
    "Job",
    "JobOptions",
    "JobRef",
    "JobState",
    "JobView",
    "Outcome",
    "OutcomeKind",
    "PerformanceMetrics",
    "Pool",
    "Priority",
    "Problem",
    "Queue",
    "Slot",
    "Submitted",
    "Task",
    "Worker",
]


class JobOptions(TypedDict, total=False):
    """What every job may carry, whatever it asks for."""

    id: str
    """1 to 128 of ``A-Z a-z 0-9 . _ : -``; made by the client when absent. A second job with the same id is a no-op."""
    priority: Priority
    """``normal`` when absent."""
    timeoutMs: int
    """Deadline of one attempt, 1 to 3600000."""
    maxRetries: int
    """Retries of a failed attempt, 0 to 100."""
    runAt: int
    """Earliest start."""
    idempotencyKey: str
    """A second job with the same key and tenant gets the same id."""
    tenant: str
    """On whose behalf: tenants take turns."""
    cache: bool
    """Whether an outcome of the same module for the same input may stand for a run, and this one for later ones."""
    agentId: str
    """Who asks; repeated in the job's events."""
    traceparent: str
    """Kept with the job."""
    meta: Any
    """Free for the producer."""


class Job(JobOptions):
    """A job: a booster by name (``apply``, ``apply@1.0.0``) or by capability, and its input."""

    input: Any
    booster: NotRequired[str]
    capability: NotRequired[str]


class Outcome(TypedDict):
    """How a job ended."""

    id: str
    outcome: OutcomeKind
    output: NotRequired[Any]
    """The booster's answer, with ``done``."""
    refusal: NotRequired[Any]
    """The booster's reason, with ``refused``."""
    error: NotRequired[ErrorDetail]
    """What went wrong, with ``dead``."""
    attempts: int
    """Failed attempts."""
    crashes: int
    """Attempts that took their process with them."""
    latencyMs: float
    """Time of the last attempt in the sandbox."""
    waitMs: int
    """From enqueueing, or the end of a deliberate delay, to the last attempt's start."""
    worker: str
    """Who settled it; empty when it was cancelled before it ran."""
    booster: str
    """``name@version`` that ran, or ``agent``; empty when none did."""
    enqueuedAt: int
    finishedAt: int
    cause: NotRequired[str]
    """The code of ``error``, with ``dead``; over HTTP only."""
    tenant: NotRequired[str]
    usedFallback: bool
    """Whether something other than a worker did the job."""
    cached: NotRequired[bool]
    """Whether it is that of an earlier job with the same module and input."""


class JobView(TypedDict):
    """What is known of a job."""

    id: str
    queue: str
    state: JobState
    enqueuedAt: int
    attempts: int
    outcome: NotRequired[Outcome]
    """Absent until the job has ended."""
    job: NotRequired[Job]
    """The job with its input, when it was asked for and is kept."""


class ApplyOutput(TypedDict):
    """What the ``apply`` booster answers."""

    output: str
    """The new file."""
    success: bool
    confidence: float
    """A measured share of right results, 0 to 1."""
    strategy: str
    """How the place was found."""
    language: str
    tokens: Any
    edits: List[Any]
    """Byte ranges of the code and what replaces them."""
    diff: str
    """The change as a unified diff."""


class FleetEvent(TypedDict):
    """An event of the fleet."""

    id: str
    """Its place in the stream, after which ``events`` can go on."""
    type: EventType
    timestamp: int
    data: Any
    """By type; see ``docs/redis-protocol.md``."""


class JobRef(TypedDict):
    """A job and the queue that has it."""

    id: str
    queue: str


class Enqueued(JobRef):
    """A job that has been added straight to Redis."""

    entry: str
    """Its entry in the queue's stream."""
