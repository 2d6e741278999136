"""The event stream: its messages, and where to go on after a lost connection. It does no I/O."""

from __future__ import annotations

import codecs
import json
import re
import time
from email.utils import parsedate_to_datetime
from typing import Dict, Iterator, List, Mapping, Optional, Sequence, Tuple, cast

from ._http import Request, Settings
from .errors import ConnectionError
from .types import EventType, FleetEvent

#: Longest line or message, characters; a stream that sends a longer one is given up.
MAX_MESSAGE = 4 * 1024 * 1024
#: Silence after which a stream counts as lost, seconds; the gateway says something every 15 s.
SILENCE = 45.0
_LINE_END = re.compile(r"\r\n|\n|\r")


class MessageReader:
    """Reads the messages of an event stream (HTML standard, section 9.2.6) as its bytes come."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._rest = ""
        self._data: List[str] = []
        self._size = 0
        self._id = ""

    def read(self, data: bytes) -> Iterator[Tuple[str, str]]:
        """Id and data of the messages that these bytes complete."""
        text = self._rest + self._decoder.decode(data)
        # A carriage return at the end may be half of a line break.
        usable = len(text) - 1 if text.endswith("\r") else len(text)
        *lines, last = _LINE_END.split(text[:usable])
        self._rest = last + text[usable:]
        self._limit(len(self._rest))
        for line in lines:
            if line:
                self._field(line)
            elif self._data:
                message = (self._id, "\n".join(self._data))
                self._data, self._size = [], 0
                yield message

    def _field(self, line: str) -> None:
        name, _, value = line.partition(":")
        value = value[1:] if value.startswith(" ") else value
        if name == "data":
            self._size += len(value)
            self._limit(self._size)
            self._data.append(value)
        elif name == "id" and "\0" not in value:
            self._id = value

    def _limit(self, size: int) -> None:
        if size > MAX_MESSAGE:
            raise ConnectionError(f"an event is longer than {MAX_MESSAGE} characters")


class EventStream:
    """Where a stream of events is, over all its connections."""

    def __init__(
        self,
        settings: Settings,
        types: Optional[Sequence[EventType]],
        after: Optional[str],
        since: Optional[int],
    ) -> None:
        self._settings = settings
        self._types = types
        self._after = after
        self._since = since
        self._failures = 0
        self._reader = MessageReader()

    def request(self) -> Request:
        """The request for the next connection."""
        query: Dict[str, object] = {"types": ",".join(self._types) if self._types else None}
        headers = {"accept": "text/event-stream"}
        if self._after is not None:
            headers["last-event-id"] = self._after
        else:
            query["since"] = self._since
        return Request("GET", "/v1/events", query=query, headers=headers)

    def opened(self, headers: Mapping[str, str]) -> None:
        """A connection is there."""
        self._reader = MessageReader()
        if self._since is None:
            # Should it end before its first event, the next one begins where this one did.
            self._since = _server_time(headers)

    def read(self, data: bytes) -> Iterator[FleetEvent]:
        """The events that these bytes complete."""
        for place, text in self._reader.read(data):
            self._failures = 0
            self._after = place or self._after
            yield cast(FleetEvent, {**json.loads(text), "id": place})

    def pause(self, error: Optional[Exception]) -> float:
        """How long to wait for the next connection; raises the error when there should be none."""
        if error is None:
            # The gateway has ended the stream, such as for its own restart.
            return min(1.0, self._settings.max_retry_delay)
        delay = self._settings.delay(error, self._failures)
        self._failures += 1
        if delay is None:
            raise error
        return delay


def _server_time(headers: Mapping[str, str]) -> int:
    try:
        return int(parsedate_to_datetime(headers["date"]).timestamp() * 1000)
    except (KeyError, TypeError, ValueError):
        return int(time.time() * 1000)
