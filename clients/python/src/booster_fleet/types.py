"""What the gateway takes and gives, as JSON objects.

Times are Unix milliseconds. Readers ignore fields that they do not know.
"""

from __future__ import annotations

from typing import Any, List, Literal, Optional, TypedDict

from typing_extensions import NotRequired

#: The queue that a job takes.
Priority = Literal["high", "normal", "low"]
#: How a job ended.
OutcomeKind = Literal["done", "refused", "dead", "cancelled"]
#: Where a job is, or how it ended.
JobState = Literal["waiting", "parked", "delayed", "running", "done", "refused", "dead", "cancelled"]
#: The types of events.
EventType = Literal[
    "booster.requested",
    "booster.allocated",
    "booster.task.completed",
    "booster.error",
    "booster.recovered",
    "booster.pool.updated",
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


class Submitted(TypedDict):
    """The answer to a submit."""

    id: str
    queue: str
    accepted: bool
    """``False`` when a job with this id was known already; nothing was added then."""


class ErrorDetail(TypedDict):
    """A stable code and a sentence for people."""

    code: str
    message: str


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
    usedFallback: bool
    """Whether something other than a worker did the job."""


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


class Cancelled(TypedDict):
    """What became of the wish to cancel."""

    id: str
    cancellation: Literal["cancelled", "requested", "ended"]
    """It will not run, its worker has been told to stop it, or it had ended."""
    state: NotRequired[JobState]
    """How it had ended."""


class Queue(TypedDict):
    """One queue."""

    name: str
    waiting: int
    delayed: int
    running: int
    done: int
    """Counted since the queue began, as the next three."""
    refused: int
    dead: int
    cancelled: int
    deduplicated: int
    """Dropped because their id was known."""
    deadKept: int
    """Dead jobs that are still kept."""
    oldestAgeMs: int
    """Age of the oldest waiting job."""
    mode: Literal["open", "paused", "draining"]


class Worker(TypedDict):
    """A worker process."""

    id: str
    host: str
    version: str
    startedAt: int
    boosters: List[str]
    queues: List[str]
    """The queues that it serves."""


class Task(TypedDict):
    """One task in a slot's history."""

    taskId: str
    booster: str
    result: str
    latencyMs: float
    at: int


class PerformanceMetrics(TypedDict, total=False):
    """What a slot has done; empty without ``booster.performanceTracking``."""

    tasks: int
    errors: int
    busyMs: float
    meanLatencyMs: float


class Slot(TypedDict):
    """One slot of a worker's pool."""

    boosterId: str
    instanceId: str
    status: Literal["initializing", "ready", "busy", "error", "recovered"]
    lastActivity: int
    """When the state last changed."""
    memoryUsage: int
    """Most memory of the last job's instance, bytes."""
    errorCount: int
    """Failed tasks."""
    health: NotRequired[Literal["healthy", "degraded", "unhealthy"]]
    """Absent when the instance was replaced meanwhile."""
    taskHistory: List[Task]
    """The last tasks, at most 20; none without ``booster.performanceTracking``."""
    performanceMetrics: PerformanceMetrics


class Pool(TypedDict):
    """Workers and their slots."""

    workers: List[Worker]
    slots: List[Slot]


class DeadJob(TypedDict):
    """A dead job."""

    id: str
    queue: str
    reason: str
    """A stable code."""
    attempts: int
    """Failed attempts."""
    error: str
    """What happened."""
    at: int
    """When it died."""


class DeadPage(TypedDict):
    """A page of dead jobs, the latest first."""

    dead: List[DeadJob]
    cursor: Optional[str]
    """``None`` on the last page."""


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


class Problem(TypedDict):
    """An error as the gateway tells it (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    """Stable and machine-readable."""


class JobRef(TypedDict):
    """A job and the queue that has it."""

    id: str
    queue: str


class Enqueued(JobRef):
    """A job that has been added straight to Redis."""

    entry: str
    """Its entry in the queue's stream."""
