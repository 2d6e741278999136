"""A fleet, over its HTTP gateway: one client that blocks and one for asyncio, with the same calls."""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Any, AsyncIterator, Iterable, Iterator, List, Mapping, Optional, Sequence, Type, TypeVar

import httpx

from . import _calls
from ._calls import Call
from ._events import SILENCE, EventStream
from ._http import Request, Settings, answer, encode, problem_of, unreachable
from .errors import BoosterError
from .types import (
    ApplyOutput,
    Cancelled,
    DeadJob,
    DeadPage,
    EventType,
    FleetEvent,
    Job,
    JobOptions,
    JobView,
    Outcome,
    Pool,
    Queue,
    Submitted,
)

T = TypeVar("T")


class BoosterFleet:
    """A fleet, over its HTTP gateway.

    :param url: address of the gateway, such as ``http://127.0.0.1:8080``
    :param api_key: sent as ``Authorization: Bearer …``
    :param timeout: seconds for which one request may be silent, beside what it waits for a job
    :param retries: how often a request is sent again on 429, 503 and lost connections, at most 20
    :param max_retry_delay: longest pause before that, seconds; a gateway that asks for a longer one with
        ``Retry-After`` is not asked again
    :param transport: instead of httpx's own
    """

    def __init__(
        self,
        url: str,
        *,
        api_key: Optional[str] = None,
        timeout: float = 30.0,
        retries: int = 5,
        max_retry_delay: float = 30.0,
        transport: Optional[httpx.BaseTransport] = None,
    ) -> None:
        self._settings = Settings(url, api_key, timeout, retries, max_retry_delay)
        self._client = httpx.Client(base_url=url, headers=self._settings.headers(), transport=transport)
        #: The dead jobs.
        self.dead = DeadJobs(self)

    def submit(self, job: Job) -> Submitted:
        """Submit one job. One without an ``id`` gets one here, so that sending it again adds nothing."""
        return self._run(_calls.submit(job))

    def submit_many(self, jobs: Iterable[Job]) -> List[Submitted]:
        """Submit jobs, in the order given, at most 1000 in one request.

        When a later request fails, the jobs of earlier ones have been accepted: with ids of your own you can submit
        all of them again.
        """
        return self._run(_calls.submit_many(jobs))

    def get(self, id: str, *, input: bool = False) -> JobView:
        """What is known of a job, with ``input`` also the job itself where it is kept."""
        return self._run(_calls.get(id, input))

    def wait(self, id: str, *, timeout: float = 60.0) -> Outcome:
        """Wait for a job's end, however it ends.

        :raises WaitTimeoutError: when it has not ended within ``timeout`` seconds
        :raises ProblemError: with the code ``job_unknown`` when nobody knows it
        """
        return self._run(_calls.wait(id, timeout))

    def cancel(self, id: str) -> Cancelled:
        """Cancel a job: at once while it waits, else by telling the worker that runs it."""
        return self._run(_calls.cancel(id))

    def apply(
        self,
        code: str,
        edit: str,
        *,
        language: Optional[str] = None,
        path: Optional[str] = None,
        format: Optional[str] = None,
        min_confidence: Optional[float] = None,
        booster: str = "apply",
        job: Optional[JobOptions] = None,
        timeout: float = 60.0,
    ) -> ApplyOutput:
        """Have an edit applied and give the new file.

        :param path: whose extension tells the language where none is given
        :param format: ``snippet``, ``markers``, ``search_replace``, ``unified_diff``, ``apply_patch`` or
            ``whole_file``; else the edit shows it
        :param min_confidence: confidence below which the edit is refused, 0 to 1
        :param booster: another booster with the same input and output
        :param job: the job's other fields
        :raises OutcomeError: when the booster refused the edit, or the job died or was cancelled
        :raises WaitTimeoutError: when it has not ended within ``timeout`` seconds; it goes on
        """
        fields = {"language": language, "path": path, "format": format, "minConfidence": min_confidence}
        return self._run(_calls.apply(code, edit, fields, booster, job, timeout))

    def events(
        self,
        *,
        types: Optional[Sequence[EventType]] = None,
        after: Optional[str] = None,
        since: Optional[int] = None,
    ) -> Iterator[FleetEvent]:
        """The fleet's events as they come, until the loop over them is left.

        A lost connection is made again, and nothing is missed that the gateway still keeps.

        :param types: only these
        :param after: those after this one: the ``id`` of an event
        :param since: those from this time on, Unix milliseconds; with neither, those that come from now on
        :raises BoosterError: when the gateway says no, or cannot be reached ``retries`` times in a row
        """
        stream = EventStream(self._settings, types, after, since)
        while True:
            error: Optional[BoosterError] = None
            try:
                yield from self._listen(stream)
            except httpx.HTTPError as failure:
                error = unreachable(self._settings, failure)
            except BoosterError as failure:
                error = failure
            time.sleep(stream.pause(error))

    def queues(self) -> List[Queue]:
        """All queues."""
        return self._run(_calls.queues())

    def pool(self) -> Pool:
        """Workers and their slots."""
        return self._run(_calls.pool())

    def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        hold: float = 0.0,
        repeatable: bool = True,
    ) -> Any:
        """Any other request of the gateway's interface, with this client's key, time limits and repeats.

        :param hold: seconds for which the gateway may hold the request
        :param repeatable: ``False`` when sending the request twice would do harm
        """
        content = None if body is None else encode(body)
        request = Request(method, path, query or {}, headers or {}, content, hold, repeatable)
        return self._run(_calls.any_request(request))

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def __enter__(self) -> BoosterFleet:
        return self

    def __exit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        self.close()

    def _run(self, call: Call[T]) -> T:
        reply: Any = None
        while True:
            try:
                request = call.send(reply)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            reply = self._send(request)

    def _send(self, request: Request) -> Any:
        attempt = 0
        while True:
            try:
                return self._once(request)
            except BoosterError as error:
                delay = self._settings.delay(error, attempt, request.repeatable)
                if delay is None:
                    raise
            time.sleep(delay)
            attempt += 1

    def _once(self, request: Request) -> Any:
        try:
            response = self._client.request(request.method, request.path, **request.arguments(self._settings))
        except httpx.HTTPError as error:
            raise unreachable(self._settings, error) from error
        return answer(request, response)

    def _listen(self, stream: EventStream) -> Iterator[FleetEvent]:
        request = stream.request()
        arguments = {**request.arguments(self._settings), "timeout": httpx.Timeout(self._settings.timeout, read=SILENCE)}
        with self._client.stream(request.method, request.path, **arguments) as response:
            if not response.is_success:
                response.read()
                raise problem_of(response)
            stream.opened(response.headers)
            for data in response.iter_bytes():
                yield from stream.read(data)


class DeadJobs:
    """Dead jobs: those whose retries are used up, that are invalid, or that crashed their workers."""

    def __init__(self, fleet: BoosterFleet) -> None:
        self._run = fleet._run

    def page(
        self, *, queue: Optional[str] = None, limit: Optional[int] = None, cursor: Optional[str] = None
    ) -> DeadPage:
        """One page, the latest first."""
        return self._run(_calls.dead_page(queue, limit, cursor))

    def list(self, *, queue: Optional[str] = None) -> Iterator[DeadJob]:
        """All of them, page by page."""
        cursor: Optional[str] = None
        while True:
            page = self.page(queue=queue, cursor=cursor)
            yield from page["dead"]
            cursor = page.get("cursor")
            if cursor is None:
                return

    def get(self, id: str) -> JobView:
        """What is known of one, with the job."""
        return self._run(_calls.dead_get(id))

    def retry(self, id: str) -> None:
        """Let one run again."""
        self._run(_calls.dead_retry(id))

    def retry_all(self, *, queue: Optional[str] = None) -> int:
        """Let all run again, or all of one queue; how many."""
        return self._run(_calls.dead_retry_all(queue))

    def drop(self, id: str) -> None:
        """Forget one."""
        self._run(_calls.dead_drop(id))


class AsyncBoosterFleet:
    """As :class:`BoosterFleet`, for asyncio."""

    def __init__(
        self,
        url: str,
        *,
        api_key: Optional[str] = None,
        timeout: float = 30.0,
        retries: int = 5,
        max_retry_delay: float = 30.0,
        transport: Optional[httpx.AsyncBaseTransport] = None,
    ) -> None:
        self._settings = Settings(url, api_key, timeout, retries, max_retry_delay)
        self._client = httpx.AsyncClient(base_url=url, headers=self._settings.headers(), transport=transport)
        #: The dead jobs.
        self.dead = AsyncDeadJobs(self)

    async def submit(self, job: Job) -> Submitted:
        """As :meth:`BoosterFleet.submit`."""
        return await self._run(_calls.submit(job))

    async def submit_many(self, jobs: Iterable[Job]) -> List[Submitted]:
        """As :meth:`BoosterFleet.submit_many`."""
        return await self._run(_calls.submit_many(jobs))

    async def get(self, id: str, *, input: bool = False) -> JobView:
        """As :meth:`BoosterFleet.get`."""
        return await self._run(_calls.get(id, input))

    async def wait(self, id: str, *, timeout: float = 60.0) -> Outcome:
        """As :meth:`BoosterFleet.wait`."""
        return await self._run(_calls.wait(id, timeout))

    async def cancel(self, id: str) -> Cancelled:
        """As :meth:`BoosterFleet.cancel`."""
        return await self._run(_calls.cancel(id))

    async def apply(
        self,
        code: str,
        edit: str,
        *,
        language: Optional[str] = None,
        path: Optional[str] = None,
        format: Optional[str] = None,
        min_confidence: Optional[float] = None,
        booster: str = "apply",
        job: Optional[JobOptions] = None,
        timeout: float = 60.0,
    ) -> ApplyOutput:
        """As :meth:`BoosterFleet.apply`."""
        fields = {"language": language, "path": path, "format": format, "minConfidence": min_confidence}
        return await self._run(_calls.apply(code, edit, fields, booster, job, timeout))

    async def events(
        self,
        *,
        types: Optional[Sequence[EventType]] = None,
        after: Optional[str] = None,
        since: Optional[int] = None,
    ) -> AsyncIterator[FleetEvent]:
        """As :meth:`BoosterFleet.events`."""
        stream = EventStream(self._settings, types, after, since)
        while True:
            error: Optional[BoosterError] = None
            try:
                async for event in self._listen(stream):
                    yield event
            except httpx.HTTPError as failure:
                error = unreachable(self._settings, failure)
            except BoosterError as failure:
                error = failure
            await asyncio.sleep(stream.pause(error))

    async def queues(self) -> List[Queue]:
        """As :meth:`BoosterFleet.queues`."""
        return await self._run(_calls.queues())

    async def pool(self) -> Pool:
        """As :meth:`BoosterFleet.pool`."""
        return await self._run(_calls.pool())

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: Any = None,
        query: Optional[Mapping[str, Any]] = None,
        headers: Optional[Mapping[str, str]] = None,
        hold: float = 0.0,
        repeatable: bool = True,
    ) -> Any:
        """As :meth:`BoosterFleet.request`."""
        content = None if body is None else encode(body)
        request = Request(method, path, query or {}, headers or {}, content, hold, repeatable)
        return await self._run(_calls.any_request(request))

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> AsyncBoosterFleet:
        return self

    async def __aexit__(
        self,
        kind: Optional[Type[BaseException]],
        error: Optional[BaseException],
        trace: Optional[TracebackType],
    ) -> None:
        await self.close()

    async def _run(self, call: Call[T]) -> T:
        reply: Any = None
        while True:
            try:
                request = call.send(reply)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            reply = await self._send(request)

    async def _send(self, request: Request) -> Any:
        attempt = 0
        while True:
            try:
                return await self._once(request)
            except BoosterError as error:
                delay = self._settings.delay(error, attempt, request.repeatable)
                if delay is None:
                    raise
            await asyncio.sleep(delay)
            attempt += 1

    async def _once(self, request: Request) -> Any:
        arguments = request.arguments(self._settings)
        try:
            response = await self._client.request(request.method, request.path, **arguments)
        except httpx.HTTPError as error:
            raise unreachable(self._settings, error) from error
        return answer(request, response)

    async def _listen(self, stream: EventStream) -> AsyncIterator[FleetEvent]:
        request = stream.request()
        arguments = {**request.arguments(self._settings), "timeout": httpx.Timeout(self._settings.timeout, read=SILENCE)}
        async with self._client.stream(request.method, request.path, **arguments) as response:
            if not response.is_success:
                await response.aread()
                raise problem_of(response)
            stream.opened(response.headers)
            async for data in response.aiter_bytes():
                for event in stream.read(data):
                    yield event


class AsyncDeadJobs:
    """As :class:`DeadJobs`, for asyncio."""

    def __init__(self, fleet: AsyncBoosterFleet) -> None:
        self._run = fleet._run

    async def page(
        self, *, queue: Optional[str] = None, limit: Optional[int] = None, cursor: Optional[str] = None
    ) -> DeadPage:
        """As :meth:`DeadJobs.page`."""
        return await self._run(_calls.dead_page(queue, limit, cursor))

    async def list(self, *, queue: Optional[str] = None) -> AsyncIterator[DeadJob]:
        """As :meth:`DeadJobs.list`."""
        cursor: Optional[str] = None
        while True:
            page = await self.page(queue=queue, cursor=cursor)
            for dead in page["dead"]:
                yield dead
            cursor = page.get("cursor")
            if cursor is None:
                return

    async def get(self, id: str) -> JobView:
        """As :meth:`DeadJobs.get`."""
        return await self._run(_calls.dead_get(id))

    async def retry(self, id: str) -> None:
        """As :meth:`DeadJobs.retry`."""
        await self._run(_calls.dead_retry(id))

    async def retry_all(self, *, queue: Optional[str] = None) -> int:
        """As :meth:`DeadJobs.retry_all`."""
        return await self._run(_calls.dead_retry_all(queue))

    async def drop(self, id: str) -> None:
        """As :meth:`DeadJobs.drop`."""
        await self._run(_calls.dead_drop(id))
