"""Both clients against a running fleet."""

from __future__ import annotations

import asyncio
import time
from typing import Callable, List

import pytest

from booster_fleet import AsyncBoosterFleet, BoosterFleet, OutcomeError, ProblemError, WaitTimeoutError
from booster_fleet.types import FleetEvent

Unique = Callable[[str], str]
BEFORE, EDIT = "def a():\n    return 1\n", "def a():\n    return 2\n"


def in_ten_minutes() -> int:
    return int((time.time() + 600) * 1000)


def test_an_edit_is_applied(fleet: BoosterFleet) -> None:
    result = fleet.apply(BEFORE, EDIT, language="python")
    assert result["output"] == EDIT
    assert result["success"] is True and result["confidence"] > 0.5
    assert "+    return 2\n" in result["diff"]


def test_an_edit_that_the_booster_refuses_is_an_error_with_its_reason(fleet: BoosterFleet) -> None:
    with pytest.raises(OutcomeError, match="ended as refused") as raised:
        fleet.apply(BEFORE, "def ((", path="a.py")
    assert raised.value.outcome["outcome"] == "refused"
    assert isinstance(raised.value.outcome["refusal"]["reason"], str)


def test_a_job_is_accepted_once_waited_for_and_looked_up(fleet: BoosterFleet, unique: Unique) -> None:
    id = unique("py")
    for accepted in (True, False):
        submitted = fleet.submit({"id": id, "booster": "noop", "input": {}, "priority": "high"})
        assert submitted == {"id": id, "queue": "high", "accepted": accepted}
    outcome = fleet.wait(id)
    assert outcome["outcome"] == "done" and isinstance(outcome["output"], dict)
    view = fleet.get(id)
    assert (view["id"], view["queue"], view["state"], view["outcome"]["id"]) == (id, "high", "done", id)


def test_many_jobs_come_back_in_their_order(fleet: BoosterFleet, unique: Unique) -> None:
    ids = [unique(f"many-{n}") for n in range(1200)]
    submitted = fleet.submit_many({"id": id, "booster": "noop", "input": {}} for id in ids)
    assert [one["id"] for one in submitted] == ids
    assert all(one["accepted"] for one in submitted)
    assert fleet.wait(ids[-1], timeout=120)["outcome"] == "done"


def test_a_dead_jobs_outcome_tells_why(fleet: BoosterFleet) -> None:
    job = fleet.submit({"booster": "faulty", "input": {"do": "panic"}, "maxRetries": 0})
    outcome = fleet.wait(job["id"])
    assert outcome["outcome"] == "dead" and outcome["error"]["code"] == "panic"


def test_wrong_jobs_and_unknown_ids_are_problems_with_their_codes(fleet: BoosterFleet, unique: Unique) -> None:
    with pytest.raises(ProblemError) as raised:
        fleet.submit({"booster": "no-such-booster", "input": {}})
    assert (raised.value.status, raised.value.code) == (400, "booster_unknown")
    with pytest.raises(ProblemError) as raised:
        fleet.get(unique("nobody"))
    assert (raised.value.status, raised.value.code) == (404, "job_unknown")


def test_a_job_that_takes_longer_than_its_waiter_goes_on(fleet: BoosterFleet) -> None:
    job = fleet.submit({"booster": "noop", "input": {}, "runAt": int((time.time() + 4) * 1000)})
    with pytest.raises(WaitTimeoutError) as raised:
        fleet.wait(job["id"], timeout=1)
    assert raised.value.ids == [job["id"]]
    assert fleet.wait(job["id"])["outcome"] == "done"


def test_a_waiting_job_and_a_running_one_are_cancelled(fleet: BoosterFleet) -> None:
    waiting = fleet.submit({"booster": "noop", "input": {}, "runAt": in_ten_minutes()})
    assert fleet.cancel(waiting["id"])["cancellation"] == "cancelled"
    assert fleet.wait(waiting["id"])["outcome"] == "cancelled"
    running = fleet.submit({"booster": "faulty", "input": {"do": "loop"}, "timeoutMs": 60_000})
    while fleet.get(running["id"])["state"] != "running":
        time.sleep(0.05)
    fleet.cancel(running["id"])
    assert fleet.wait(running["id"])["outcome"] == "cancelled"


def test_a_jobs_input_can_be_read_back(fleet: BoosterFleet) -> None:
    job = fleet.submit({"booster": "noop", "input": {"x": [1]}, "runAt": in_ten_minutes()})
    assert fleet.get(job["id"], input=True)["job"]["input"] == {"x": [1]}
    fleet.cancel(job["id"])


def test_events_tell_a_jobs_life_and_go_on_after_any_of_them(fleet: BoosterFleet, unique: Unique) -> None:
    id, begin = unique("events"), int(time.time() * 1000)
    fleet.submit({"id": id, "booster": "noop", "input": {}, "agentId": "tester"})
    life: List[FleetEvent] = []
    for event in fleet.events(since=begin - 1000):
        if event["data"].get("jobId") == id:
            life.append(event)
            if event["type"] == "booster.task.completed":
                break
    assert [event["type"] for event in life] == ["booster.requested", "booster.allocated", "booster.task.completed"]
    for event in fleet.events(after=life[0]["id"], types=["booster.task.completed"]):
        assert event["type"] == "booster.task.completed"
        if event["data"]["jobId"] == id:
            assert event == life[2]
            break


def test_queues_and_pool_tell_what_there_is(fleet: BoosterFleet) -> None:
    queues = {queue["name"]: queue for queue in fleet.queues()}
    assert {"high", "normal", "low"} <= set(queues)
    assert all(isinstance(queues["normal"][name], int) for name in ("waiting", "delayed", "running", "done"))
    pool = fleet.pool()
    assert pool["workers"] and pool["slots"]
    assert any(name.startswith("apply@") for name in pool["workers"][0]["boosters"])
    assert queues["normal"]["mode"] == "open"
    for slot in pool["slots"]:
        assert slot["instanceId"].startswith(slot["boosterId"]) and slot["status"]
        assert slot["lastActivity"] > 0 and slot["errorCount"] >= 0 and isinstance(slot["taskHistory"], list)


def test_dead_jobs_are_listed_shown_retried_and_dropped(fleet: BoosterFleet) -> None:
    job = fleet.submit({"booster": "faulty", "input": {"do": "panic"}, "maxRetries": 0, "priority": "low"})
    id = job["id"]
    assert fleet.wait(id)["outcome"] == "dead"
    assert id in [dead["id"] for dead in fleet.dead.list(queue="low")]
    assert len(fleet.dead.page(limit=1)["dead"]) == 1
    shown = fleet.dead.get(id)
    assert (shown["id"], shown["queue"], shown["state"]) == (id, "low", "dead")
    assert shown["job"]["input"] == {"do": "panic"}
    fleet.dead.retry(id)
    assert fleet.wait(id)["outcome"] == "dead"
    assert fleet.dead.retry_all(queue="low") >= 1
    assert fleet.wait(id)["outcome"] == "dead"
    fleet.dead.drop(id)
    with pytest.raises(ProblemError) as raised:
        fleet.dead.get(id)
    assert raised.value.status == 404


def test_any_other_route_can_be_asked(fleet: BoosterFleet) -> None:
    assert isinstance(fleet.request("GET", "/v1/schedules")["schedules"], list)


def test_the_asynchronous_client_does_the_same(url: str, unique: Unique) -> None:
    async def main() -> None:
        async with AsyncBoosterFleet(url) as fleet:
            results = await asyncio.gather(*(fleet.apply(BEFORE, EDIT, language="python") for _ in range(20)))
            assert [result["output"] for result in results] == [EDIT] * 20
            with pytest.raises(OutcomeError):
                await fleet.apply(BEFORE, "def ((", path="a.py")
            ids = [unique(f"async-{n}") for n in range(50)]
            submitted = await fleet.submit_many([{"id": id, "booster": "noop", "input": {}} for id in ids])
            assert [one["id"] for one in submitted] == ids
            outcomes = await asyncio.gather(*(fleet.wait(id) for id in ids))
            assert {outcome["outcome"] for outcome in outcomes} == {"done"}
            assert (await fleet.get(ids[0]))["state"] == "done"
            with pytest.raises(ProblemError):
                await fleet.get(unique("nobody"))
            assert isinstance((await fleet.request("GET", "/v1/schedules"))["schedules"], list)

    asyncio.run(main())


def test_the_asynchronous_client_has_every_other_call_too(url: str) -> None:
    async def main() -> None:
        async with AsyncBoosterFleet(url) as fleet:
            begin = int(time.time() * 1000)
            job = await fleet.submit({"booster": "faulty", "input": {"do": "panic"}, "maxRetries": 0, "priority": "low"})
            async for event in fleet.events(since=begin - 1000, types=["booster.error"]):
                if event["data"]["jobId"] == job["id"]:
                    assert event["data"]["dead"] is True
                    break
            assert job["id"] in [dead["id"] async for dead in fleet.dead.list(queue="low")]
            assert (await fleet.dead.get(job["id"]))["id"] == job["id"]
            await fleet.dead.retry(job["id"])
            assert (await fleet.wait(job["id"]))["outcome"] == "dead"
            assert await fleet.dead.retry_all(queue="low") >= 1
            assert (await fleet.wait(job["id"]))["outcome"] == "dead"
            await fleet.dead.drop(job["id"])
            waiting = await fleet.submit({"booster": "noop", "input": {}, "runAt": in_ten_minutes()})
            assert (await fleet.cancel(waiting["id"]))["cancellation"] == "cancelled"
            assert len(await fleet.queues()) >= 3
            assert (await fleet.pool())["workers"]

    asyncio.run(main())
