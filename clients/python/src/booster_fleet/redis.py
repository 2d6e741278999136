"""Enqueueing straight into Redis, without the gateway.

It uses nothing but what ``docs/redis-protocol.md`` of Booster Fleet promises to any Redis client, and needs the
package ``redis`` (``pip install "booster-fleet[redis]"``).
"""

from __future__ import annotations

import json
import re
import time
import uuid
from types import TracebackType
from typing import Any, Dict, Iterable, Iterator, List, Optional, Set, Tuple, Type, cast

import redis

from ._calls import deadline_after
from ._http import encode
from .errors import WaitTimeoutError
from .types import Enqueued, Job, JobRef, Outcome

#: Commands that are sent without waiting for the first one's answer.
PIPELINE = 500
#: How often everything that is still missing is looked up, announced or not, seconds.
LOOK_EVERY = 2.0
#: How much later for each missing job: a long list must not keep Redis busy.
LOOK_EACH = 0.0002
_NAME = re.compile(r"[A-Za-z0-9._:-]+")


class RedisProducer:
    """Adds jobs by ``XADD`` and reads their outcomes.

    There is no check at this door: a job that is wrong, or that no worker has a booster for, ends as ``dead`` with
    the reason. A full queue does not refuse it, and tenants take no turns.

    :param client: a client of the package ``redis``; it stays the caller's
    :param key_prefix: the fleet's ``redis.keyPrefix``
    :param max_job_bytes: the fleet's ``redis.maxJobBytes``; workers give up what is larger
    """

    def __init__(
        self,
        client: redis.Redis,
        *,
        key_prefix: str = "swarm:phase-5:",
        max_job_bytes: int = 4 * 1024 * 1024,
    ) -> None:
        self._client = client
        self._owned = False
        self._prefix = key_prefix
        self._max_job_bytes = max_job_bytes

    @classmethod
    def from_url(
        cls, url: str, *, key_prefix: str = "swarm:phase-5:", max_job_bytes: int = 4 * 1024 * 1024
    ) -> RedisProducer:
        """A producer with connections of its own, such as to ``redis://127.0.0.1:6379``."""
        producer = cls(redis.Redis.from_url(url), key_prefix=key_prefix, max_job_bytes=max_job_bytes)
        producer._owned = True
        return producer

    def enqueue(self, job: Job, *, queue: Optional[str] = None) -> Enqueued:
        """Add a job to the queue of its priority, or to ``queue``. One without an ``id`` gets one here.

        A call that failed may be repeated with the same ``id``: a second entry with an id that the queue knows is
        dropped.
        """
        return self.enqueue_many([job], queue=queue)[0]

    def enqueue_many(self, jobs: Iterable[Job], *, queue: Optional[str] = None) -> List[Enqueued]:
        """Add jobs, in the order given. When it fails some may have been added; see :meth:`enqueue`."""
        # All are checked before any is added.
        checked = [self._entry(job, queue) for job in jobs]
        added: List[Enqueued] = []
        for some in _chunks(checked):
            pipeline = self._client.pipeline(transaction=False)
            for ref, text in some:
                pipeline.xadd(self._key(ref["queue"], "jobs"), {"job": text})
            for (ref, _), entry in zip(some, pipeline.execute()):
                name = entry.decode() if isinstance(entry, bytes) else str(entry)
                added.append({"id": ref["id"], "queue": ref["queue"], "entry": name})
        return added

    def outcome(self, job: JobRef) -> Optional[Outcome]:
        """How a job ended; ``None`` until it has, and when its outcome is no longer kept."""
        return next((outcome for _, outcome in self._read([self._outcome_key(job)])), None)

    def wait(self, job: JobRef, *, timeout: float = 60.0) -> Outcome:
        """Wait for a job's end, however it ends.

        :raises WaitTimeoutError: when it has not ended within ``timeout`` seconds
        """
        return next(self.wait_each([job], timeout=timeout))

    def wait_each(self, jobs: Iterable[JobRef], *, timeout: float = 60.0) -> Iterator[Outcome]:
        """The outcomes of jobs as they come.

        It listens to the fleet's events on a connection of its own, and looks at what is missing every few seconds
        too, since a message may be missed.

        :raises WaitTimeoutError: with the jobs that have not ended within ``timeout`` seconds
        """
        deadline = deadline_after(timeout)
        missing: Dict[str, JobRef] = {self._outcome_key(job): job for job in jobs}
        if not missing:
            return
        client: Any = self._client
        with client.pubsub(ignore_subscribe_messages=True) as listener:
            listener.subscribe(f"{self._prefix}booster")
            # Subscribed to before the first look, so that no end falls between the two.
            listener.get_message(timeout=min(LOOK_EVERY, timeout))
            looked = float("-inf")
            announced: Set[str] = set()
            while True:
                if time.monotonic() - looked >= LOOK_EVERY + LOOK_EACH * len(missing):
                    looked = time.monotonic()
                    announced = set(missing)
                for key, outcome in self._read(announced):
                    del missing[key]
                    yield outcome
                if not missing:
                    return
                left = deadline - time.monotonic()
                if left <= 0:
                    raise WaitTimeoutError([job["id"] for job in missing.values()], timeout)
                announced = self._announced(listener, missing, min(left, LOOK_EVERY))

    def close(self) -> None:
        """Close the connections, if they are the producer's own."""
        if self._owned:
            self._client.close()

    def __enter__(self) -> RedisProducer:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def _announced(self, listener: Any, missing: Dict[str, JobRef], limit: float) -> Set[str]:
        """Which of the missing jobs are said to have ended, as soon as something is said."""
        keys: Set[str] = set()
        message = listener.get_message(timeout=limit)
        # What has come together is looked up together.
        for _ in range(PIPELINE):
            if message is None:
                break
            job = _ended(message.get("data"))
            if job is not None and (key := self._outcome_key(job)) in missing:
                keys.add(key)
            message = listener.get_message(timeout=0)
        return keys

    def _read(self, keys: Iterable[str]) -> Iterator[Tuple[str, Outcome]]:
        """Those of these outcomes that are there."""
        for some in _chunks(list(keys)):
            # Single commands, since the keys of several queues may be on several servers.
            pipeline = self._client.pipeline(transaction=False)
            for key in some:
                pipeline.get(key)
            for key, text in zip(some, pipeline.execute()):
                if text is not None:
                    yield key, cast(Outcome, json.loads(text))

    def _entry(self, job: Job, named: Optional[str]) -> Tuple[JobRef, bytes]:
        queue = named or job.get("priority") or "normal"
        id = job.get("id") or str(uuid.uuid4())
        if not _NAME.fullmatch(queue) or len(queue) > 64:
            raise ValueError(f"queue {queue}: expected 1 to 64 characters of A-Z a-z 0-9 . _ : -")
        if not _NAME.fullmatch(id) or len(id) > 128:
            raise ValueError(f"id {id}: expected 1 to 128 characters of A-Z a-z 0-9 . _ : -")
        if job.get("idempotencyKey") is not None:
            raise ValueError("idempotencyKey: not looked at without the gateway; give the job an id instead")
        text = encode({**job, "id": id})
        if len(text) > self._max_job_bytes:
            raise ValueError(f"job {id}: {len(text)} bytes; expected at most {self._max_job_bytes}")
        return {"id": id, "queue": queue}, text

    def _key(self, queue: str, name: str) -> str:
        return f"{self._prefix}{{{queue}}}:{name}"

    def _outcome_key(self, job: JobRef) -> str:
        return self._key(job["queue"], f"job:{job['id']}")


def _chunks(items: List[Any]) -> Iterator[List[Any]]:
    return (items[n : n + PIPELINE] for n in range(0, len(items), PIPELINE))


def _ended(text: Any) -> Optional[JobRef]:
    """The job whose end a message tells; anybody may say anything on the channel."""
    try:
        event = json.loads(text)
        data = event["data"]
        if event["type"] == "booster.task.completed" or (event["type"] == "booster.error" and data["dead"]):
            return {"id": data["jobId"], "queue": data["queue"]}
    except (KeyError, TypeError, ValueError):
        pass
    return None
