"""Straight through Redis, beside a running fleet."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import Callable, Iterator, List

import pytest
import redis

from booster_fleet import WaitTimeoutError
from booster_fleet.redis import RedisProducer
from booster_fleet.types import Job

NOOP: Job = {"booster": "noop", "input": {}}


@pytest.fixture
def producer(redis_url: str) -> Iterator[RedisProducer]:
    with RedisProducer.from_url(redis_url) as producer:
        yield producer


def test_a_job_is_added_known_by_its_entry_and_its_outcome_comes(producer: RedisProducer) -> None:
    edit = {"code": "def a():\n    return 1\n", "edit": "def a():\n    return 2\n", "language": "python"}
    job = producer.enqueue({"booster": "apply", "input": edit, "priority": "high"})
    assert job["queue"] == "high" and job["entry"].replace("-", "").isdigit()
    outcome = producer.wait(job)
    assert outcome["outcome"] == "done" and outcome["output"]["output"] == "def a():\n    return 2\n"
    assert producer.outcome(job) == outcome


def test_many_outcomes_come_however_the_jobs_end_each_once(producer: RedisProducer, redis_url: str) -> None:
    jobs: List[Job] = [
        {
            "booster": "faulty" if n % 100 == 0 else "noop",
            "input": {"do": "panic" if n % 200 == 0 else "refuse"},
            "maxRetries": 0,
        }
        for n in range(600)
    ]
    added = producer.enqueue_many(jobs)
    client = redis.Redis.from_url(redis_url)
    for noise in ("?", "null", "{}", '{"type":"booster.error","data":[]}'):
        threading.Timer(0.02, client.publish, ("swarm:phase-5:booster", noise)).start()
    outcomes = list(producer.wait_each(added, timeout=120))
    assert Counter(outcome["outcome"] for outcome in outcomes) == {"done": 594, "refused": 3, "dead": 3}
    assert sorted(outcome["id"] for outcome in outcomes) == sorted(job["id"] for job in added)
    assert list(producer.wait_each([])) == []


def test_the_same_id_is_one_job(producer: RedisProducer, unique: Callable[[str], str]) -> None:
    job: Job = {**NOOP, "id": unique("py-redis")}
    first = producer.enqueue(job)
    second = producer.enqueue(job)
    assert first["entry"] != second["entry"]
    assert producer.wait(first)["id"] == job["id"]


def test_what_is_wrong_at_the_door_is_dead_with_the_reason(producer: RedisProducer) -> None:
    outcome = producer.wait(producer.enqueue({"booster": "no-such-booster", "input": {}}))
    assert outcome["outcome"] == "dead" and outcome["error"]["code"] == "booster_unknown"


def test_a_waiter_that_gives_up_names_what_is_missing(producer: RedisProducer) -> None:
    job = producer.enqueue({**NOOP, "runAt": int((time.time() + 3) * 1000)})
    with pytest.raises(WaitTimeoutError) as raised:
        producer.wait(job, timeout=0.3)
    assert raised.value.ids == [job["id"]]
    assert producer.outcome(job) is None
    assert producer.wait(job)["outcome"] == "done"


def test_what_could_not_work_is_refused_before_anything_is_added(producer: RedisProducer, redis_url: str) -> None:
    with pytest.raises(ValueError, match="id a b: expected 1 to 128"):
        producer.enqueue({**NOOP, "id": "a b"})
    with pytest.raises(ValueError, match=r"queue \{x\}: expected 1 to 64"):
        producer.enqueue(NOOP, queue="{x}")
    with pytest.raises(ValueError, match="idempotencyKey: not looked at"):
        producer.enqueue({**NOOP, "idempotencyKey": "k"})
    client = redis.Redis.from_url(redis_url, decode_responses=True)
    small = RedisProducer(client, max_job_bytes=100)
    with pytest.raises(ValueError, match="expected at most 100"):
        small.enqueue_many([NOOP, {**NOOP, "input": "x" * 100}])
    # The client is the caller's, and of use after the producer.
    small.close()
    assert small.wait(small.enqueue(NOOP))["outcome"] == "done"
    client.close()
