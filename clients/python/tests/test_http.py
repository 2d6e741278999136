"""What the clients do when a gateway is busy, away or wrong."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any, Callable, List, Optional

import pytest
from conftest import Answer, Exchange

from booster_fleet import AsyncBoosterFleet, BoosterFleet, ConnectionError, ProblemError
from booster_fleet._events import MessageReader

Serve = Callable[[Answer], str]


def test_a_full_queue_is_asked_again_after_the_time_that_it_names(serve: Serve) -> None:
    def answer(exchange: Exchange) -> None:
        if exchange.count == 1:
            exchange.problem(429, "queue_full", {"retry-after": "1"})
        else:
            exchange.reply(200, {"queues": []})

    begin = time.monotonic()
    assert BoosterFleet(serve(answer)).queues() == []
    assert time.monotonic() - begin >= 0.99


def test_no_more_is_asked_than_retries_allow(serve: Serve) -> None:
    counts: List[int] = []

    def answer(exchange: Exchange) -> None:
        counts.append(exchange.count)
        exchange.problem(503, "unreachable")

    with pytest.raises(ProblemError) as raised:
        BoosterFleet(serve(answer), retries=2, max_retry_delay=0.02).queues()
    assert raised.value.code == "unreachable"
    assert counts == [1, 2, 3]

    far = serve(lambda exchange: exchange.problem(429, "rate", {"retry-after": "3600"}))
    with pytest.raises(ProblemError) as raised:
        BoosterFleet(far).queues()
    assert (raised.value.status, raised.value.retry_after) == (429, 3600)


def test_a_wrong_request_is_a_typed_problem_at_once(serve: Serve) -> None:
    counts: List[int] = []

    def answer(exchange: Exchange) -> None:
        counts.append(exchange.count)
        exchange.problem(400, "job_field_invalid")

    with pytest.raises(ProblemError) as raised:
        BoosterFleet(serve(answer)).get("a")
    assert raised.value.problem == {
        "type": "urn:booster:problem:job_field_invalid",
        "title": "No",
        "status": 400,
        "detail": "because",
        "code": "job_field_invalid",
    }
    assert counts == [1]


def test_an_answer_of_something_else_than_the_gateway_is_told_as_it_is(serve: Serve) -> None:
    with pytest.raises(ProblemError) as raised:
        BoosterFleet(serve(lambda exchange: exchange.reply(502, b"<h1>no</h1>"))).pool()
    assert (raised.value.code, raised.value.problem["detail"]) == ("http_502", "<h1>no</h1>")
    with pytest.raises(ConnectionError, match="no JSON"):
        BoosterFleet(serve(lambda exchange: exchange.reply(200, b"<h1>yes</h1>")), retries=0).pool()


def test_a_lost_connection_is_made_again_with_the_same_job_id(serve: Serve) -> None:
    ids: List[str] = []

    def answer(exchange: Exchange) -> None:
        ids.append(exchange.body()["id"])
        if exchange.count % 2 == 1:
            exchange.close_connection = True
        else:
            exchange.reply(202, {"id": ids[-1], "queue": "normal", "accepted": True})

    url = serve(answer)
    submitted = BoosterFleet(url).submit({"booster": "noop", "input": {}})
    assert ids == [submitted["id"]] * 2
    ids.clear()

    async def main() -> str:
        async with AsyncBoosterFleet(url) as fleet:
            return (await fleet.submit({"booster": "noop", "input": {}}))["id"]

    again = asyncio.run(main())
    assert ids == [again] * 2 and again != submitted["id"]


def test_nobody_there_is_a_connection_error() -> None:
    with pytest.raises(ConnectionError, match="http://127.0.0.1:1: ConnectError"):
        BoosterFleet("http://127.0.0.1:1", retries=0).queues()


def test_silence_is_a_lost_connection_and_the_key_is_sent(serve: Serve) -> None:
    keys: List[Optional[str]] = []

    def answer(exchange: Exchange) -> None:
        keys.append(exchange.headers["authorization"])
        time.sleep(1)
        exchange.close_connection = True

    with pytest.raises(ConnectionError, match="ReadTimeout"):
        BoosterFleet(serve(answer), api_key="secret", timeout=0.2, retries=0).queues()
    assert keys == ["Bearer secret"]


def test_many_jobs_are_sent_in_requests_of_at_most_a_thousand(serve: Serve) -> None:
    sizes: List[int] = []

    def answer(exchange: Exchange) -> None:
        jobs = exchange.body()
        sizes.append(len(jobs))
        exchange.reply(202, {"jobs": [{"id": job["id"], "queue": "normal", "accepted": True} for job in jobs]})

    ids = [f"j-{n}" for n in range(2001)]
    fleet = BoosterFleet(serve(answer))
    submitted = fleet.submit_many({"id": id, "booster": "noop", "input": {}} for id in ids)
    assert sizes == [1000, 1000, 1]
    assert [one["id"] for one in submitted] == ids
    assert fleet.submit_many([]) == []


def event(place: str) -> str:
    told = {"type": "booster.pool.updated", "timestamp": 1, "data": {"workerId": "w", "slots": 1, "change": "started"}}
    return f"id: {place}\nevent: booster.pool.updated\ndata: {json.dumps(told)}\n\n"


def breaking(asked: List[Any]) -> Answer:
    """Streams that end: in the middle of an event, at an event's end, and never too late for the test."""

    def answer(exchange: Exchange) -> None:
        assert "types=booster.pool.updated" in exchange.path
        asked.append(exchange.headers["last-event-id"])
        half = "id: 9-9\ndata: {" if exchange.count % 3 == 1 else ""
        exchange.stream(": hello\n\n" + event(f"{exchange.count}-0") + half)

    return answer


def test_an_event_stream_goes_on_where_it_broke(serve: Serve) -> None:
    asked: List[Any] = []
    fleet = BoosterFleet(serve(breaking(asked)), max_retry_delay=0.05)
    seen = []
    for one in fleet.events(types=["booster.pool.updated"], after="0-7"):
        seen.append(one["id"])
        if len(seen) == 3:
            break
    assert seen == ["1-0", "2-0", "3-0"]
    assert asked == ["0-7", "1-0", "2-0"]


def test_an_event_stream_goes_on_where_it_broke_async(serve: Serve) -> None:
    asked: List[Any] = []
    url = serve(breaking(asked))

    async def main() -> List[str]:
        seen = []
        async with AsyncBoosterFleet(url, max_retry_delay=0.05) as fleet:
            async for one in fleet.events(types=["booster.pool.updated"], after="0-7"):
                seen.append(one["id"])
                if len(seen) == 3:
                    break
        return seen

    assert asyncio.run(main()) == ["1-0", "2-0", "3-0"]
    assert asked == ["0-7", "1-0", "2-0"]


def test_an_event_stream_fails_when_the_gateway_says_no(serve: Serve) -> None:
    url = serve(lambda exchange: exchange.problem(401, "unauthorized"))
    with pytest.raises(ProblemError, match="unauthorized"):
        next(BoosterFleet(url).events())


def test_messages_are_read_whole_however_their_bytes_are_cut() -> None:
    text = '\U0001f600: comment\r\nid: 1\r\ndata: {"x":\ndata:"ü"}\r\r\ndata\n\nid: 2\n\ndata: z\n\n'.encode()
    for size in range(1, len(text) + 1):
        reader = MessageReader()
        messages = [m for n in range(0, len(text), size) for m in reader.read(text[n : n + size])]
        assert messages == [("1", '{"x":\n"ü"}'), ("1", ""), ("2", "z")], f"cut every {size} bytes"
    with pytest.raises(ConnectionError, match="longer than"):
        list(MessageReader().read(b"a" * (5 * 1024 * 1024)))


def test_wrong_settings_are_refused_with_their_names() -> None:
    with pytest.raises(ValueError, match="url ftp://x: expected http"):
        BoosterFleet("ftp://x")
    with pytest.raises(ValueError, match="retries 99: expected 0 to 20"):
        BoosterFleet("http://x", retries=99)
    with pytest.raises(ValueError, match="timeout 0: expected"):
        BoosterFleet("http://x", timeout=0)
    with pytest.raises(ValueError, match="timeout -1: expected"):
        BoosterFleet("http://x").wait("a", timeout=-1)
