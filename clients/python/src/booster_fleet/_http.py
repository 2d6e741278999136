"""Requests, and when they are sent again: everything that the two clients share and that does no I/O."""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any, Dict, Mapping, Optional

import httpx

from .errors import ConnectionError, ProblemError
from .types import Problem

#: First pause before a request is sent again, seconds; it doubles.
FIRST_DELAY = 0.25
MAX_RETRIES = 20


@dataclass(frozen=True)
class Settings:
    """How a client reaches the gateway."""

    url: str
    api_key: Optional[str]
    timeout: float
    retries: int
    max_retry_delay: float

    def __post_init__(self) -> None:
        url = httpx.URL(self.url)
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError(f"url {self.url}: expected http:// or https:// and a host")
        if not 0 <= self.retries <= MAX_RETRIES:
            raise ValueError(f"retries {self.retries}: expected 0 to {MAX_RETRIES}")
        for name in ("timeout", "max_retry_delay"):
            seconds = getattr(self, name)
            if not 0 < seconds < float("inf"):
                raise ValueError(f"{name} {seconds}: expected a positive number of seconds")

    def headers(self) -> Dict[str, str]:
        """What every request has."""
        key = {} if self.api_key is None else {"authorization": f"Bearer {self.api_key}"}
        return {"accept": "application/json", **key}

    def delay(self, error: Exception, attempt: int, repeatable: bool = True) -> Optional[float]:
        """How long to pause before the next attempt, seconds; nothing when there should be none."""
        if attempt >= self.retries:
            return None
        back_off = min(FIRST_DELAY * 2.0**attempt, self.max_retry_delay) * random.uniform(0.5, 1)
        if isinstance(error, ConnectionError):
            return back_off if repeatable else None
        if not isinstance(error, ProblemError) or error.status not in (429, 503):
            return None
        asked = error.retry_after or 0.0
        return None if asked > self.max_retry_delay else max(asked, back_off)


@dataclass(frozen=True)
class Request:
    """One request."""

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    #: The body's JSON text.
    content: Optional[bytes] = None
    #: Seconds for which the gateway may hold the request, beside the timeout.
    hold: float = 0.0
    #: Whether it may be sent again when its fate is not known.
    repeatable: bool = True

    def arguments(self, settings: Settings) -> Dict[str, Any]:
        """The arguments for httpx."""
        kind = {} if self.content is None else {"content-type": "application/json"}
        return {
            "params": {name: value for name, value in self.query.items() if value is not None},
            "headers": {**self.headers, **kind},
            "content": self.content,
            "timeout": settings.timeout + self.hold,
        }


def encode(value: Any) -> bytes:
    """The JSON text of a value."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode()


def answer(request: Request, response: httpx.Response) -> Any:
    """The JSON of a whole response; an error when it is none, or a problem."""
    if not response.is_success:
        raise problem_of(response)
    if not response.content:
        return None
    try:
        return response.json()
    except ValueError as error:
        raise ConnectionError(f"{request.method} {request.path}: the answer is no JSON") from error


def unreachable(settings: Settings, error: Exception) -> ConnectionError:
    """An error of httpx as one of ours."""
    return ConnectionError(f"{settings.url}: {type(error).__name__}: {error}")


def problem_of(response: httpx.Response) -> ProblemError:
    """The error that a response tells of; its body must have been read."""
    problem: Problem = {
        "type": "about:blank",
        "title": response.reason_phrase,
        "status": response.status_code,
        "detail": response.text[:500],
        "code": f"http_{response.status_code}",
    }
    try:
        read = response.json()
    except ValueError:
        # Something before the gateway has answered in its own words.
        read = None
    if isinstance(read, dict):
        problem.update(read)  # type: ignore[typeddict-item]
        problem["status"] = response.status_code
    return ProblemError(problem, _retry_after(response.headers.get("retry-after")))


def _retry_after(value: Optional[str]) -> Optional[float]:
    if value is None:
        return None
    try:
        return float(int(value))
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(value).timestamp() - time.time(), 0.0)
    except (TypeError, ValueError):
        return None
