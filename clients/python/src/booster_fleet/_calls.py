"""What each call asks of the gateway: generators that yield requests, are sent the answers, and return results.

The two clients run the same generators, one on ``httpx.Client`` and one on ``httpx.AsyncClient``.
"""

from __future__ import annotations

import math
import time
import uuid
from typing import Any, Dict, Generator, Iterable, Iterator, List, Mapping, Optional, TypeVar, cast
from urllib.parse import quote

from ._http import Request, encode
from .errors import OutcomeError, WaitTimeoutError
from .types import ApplyOutput, Cancelled, DeadPage, Job, JobOptions, JobView, Outcome, Pool, Queue, Submitted

T = TypeVar("T")
Call = Generator[Request, Any, T]

#: Most jobs of one request.
MAX_JOBS = 1000
#: Size of such a request beyond which the next one is begun, bytes.
MAX_BODY = 8 * 1024 * 1024
#: Longest time for which one request waits for a job, seconds. Below the limits of usual proxies.
HOLD = 30


def submit(job: Job) -> Call[Submitted]:
    return cast(Submitted, (yield Request("POST", "/v1/jobs", content=encode(_identified(job)))))


def submit_many(jobs: Iterable[Job]) -> Call[List[Submitted]]:
    submitted: List[Submitted] = []
    for content in _batches(jobs):
        answer = yield Request("POST", "/v1/jobs", content=content)
        submitted.extend(answer["jobs"])
    return submitted


def get(id: str, input: bool) -> Call[JobView]:
    query = {"input": "true"} if input else {}
    return cast(JobView, (yield Request("GET", _job(id), query=query)))


def wait(id: str, timeout: float) -> Call[Outcome]:
    deadline = deadline_after(timeout)
    while True:
        hold = _hold(deadline)
        view = yield Request("GET", _job(id), query={"wait": hold}, hold=hold)
        if view.get("outcome"):
            return cast(Outcome, view["outcome"])
        if time.monotonic() >= deadline:
            raise WaitTimeoutError([id], timeout)


def cancel(id: str) -> Call[Cancelled]:
    return cast(Cancelled, (yield Request("DELETE", _job(id))))


def apply(
    code: str,
    edit: str,
    fields: Mapping[str, Any],
    booster: str,
    job: Optional[JobOptions],
    timeout: float,
) -> Call[ApplyOutput]:
    deadline = deadline_after(timeout)
    hold = _hold(deadline)
    given = {name: value for name, value in fields.items() if value is not None}
    whole = _identified({**(job or {}), "booster": booster, "input": {"code": code, "edit": edit, **given}})
    headers = {"prefer": f"wait={hold}"}
    answer = yield Request("POST", "/v1/jobs", content=encode(whole), headers=headers, hold=hold)
    outcome = answer.get("outcome")
    if outcome is None:
        outcome = yield from wait(answer["id"], max(deadline - time.monotonic(), 0.001))
    if outcome["outcome"] != "done":
        raise OutcomeError(outcome)
    return cast(ApplyOutput, outcome["output"])


def queues() -> Call[List[Queue]]:
    return cast(List[Queue], (yield Request("GET", "/v1/queues"))["queues"])


def pool() -> Call[Pool]:
    return cast(Pool, (yield Request("GET", "/v1/pool")))


def dead_page(queue: Optional[str], limit: Optional[int], cursor: Optional[str]) -> Call[DeadPage]:
    query = {"queue": queue, "limit": limit, "cursor": cursor}
    return cast(DeadPage, (yield Request("GET", "/v1/dead", query=query)))


def dead_get(id: str) -> Call[JobView]:
    return cast(JobView, (yield Request("GET", _dead(id))))


def dead_retry(id: str) -> Call[None]:
    yield Request("POST", _dead(id) + "/retry")


def dead_retry_all(queue: Optional[str]) -> Call[int]:
    return cast(int, (yield Request("POST", "/v1/dead/retry", query={"queue": queue}))["retried"])


def dead_drop(id: str) -> Call[None]:
    yield Request("DELETE", _dead(id))


def any_request(request: Request) -> Call[Any]:
    return (yield request)


def _job(id: str) -> str:
    return f"/v1/jobs/{quote(id, safe='')}"


def _dead(id: str) -> str:
    return f"/v1/dead/{quote(id, safe='')}"


def deadline_after(timeout: float) -> float:
    if not 0 < timeout < float("inf"):
        raise ValueError(f"timeout {timeout}: expected a positive number of seconds")
    return time.monotonic() + timeout


def _hold(deadline: float) -> int:
    """Whole seconds until the deadline, at least one and at most what one request may wait."""
    return min(max(math.ceil(deadline - time.monotonic()), 1), HOLD)


def _identified(job: Mapping[str, Any]) -> Dict[str, Any]:
    """The job with an id, so that sending it again adds nothing."""
    named = job.get("id") is not None or job.get("idempotencyKey") is not None
    return dict(job) if named else {**job, "id": str(uuid.uuid4())}


def _batches(jobs: Iterable[Job]) -> Iterator[bytes]:
    """Bodies of requests with at most so many jobs, and so many bytes."""
    texts: List[bytes] = []
    size = 0
    for job in jobs:
        text = encode(_identified(job))
        if len(texts) == MAX_JOBS or (texts and size + len(text) > MAX_BODY):
            yield b"[" + b",".join(texts) + b"]"
            texts, size = [], 0
        texts.append(text)
        size += len(text)
    if texts:
        yield b"[" + b",".join(texts) + b"]"
