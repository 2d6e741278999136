"""The fleet that the tests run against (`make test-doors DOORS=clients`), and a server for what a healthy one does not do."""

from __future__ import annotations

import json
import os
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Callable, Dict, Iterator, List, Optional

import pytest

from booster_fleet import BoosterFleet


def address(name: str) -> str:
    value = os.environ.get(name)
    if not value:
        pytest.fail("BOOSTER_URL and REDIS_URL must name a running fleet")
    return value


@pytest.fixture(scope="session")
def url() -> str:
    return address("BOOSTER_URL")


@pytest.fixture(scope="session")
def redis_url() -> str:
    return address("REDIS_URL")


@pytest.fixture
def fleet(url: str) -> Iterator[BoosterFleet]:
    with BoosterFleet(url, api_key=os.environ.get("BOOSTER_API_KEY")) as fleet:
        yield fleet


@pytest.fixture
def unique() -> Callable[[str], str]:
    return lambda name: f"{name}-{uuid.uuid4()}"


class Exchange(BaseHTTPRequestHandler):
    """One request to the server of a test, and what the test answers."""

    protocol_version = "HTTP/1.1"
    count = 0

    def log_message(self, *_: Any) -> None:
        pass

    def handle_one_request(self) -> None:
        try:
            super().handle_one_request()
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True

    def _serve(self) -> None:
        self.server.count += 1  # type: ignore[attr-defined]
        self.count = self.server.count  # type: ignore[attr-defined]
        self.server.answer(self)  # type: ignore[attr-defined]

    do_GET = do_POST = do_DELETE = _serve

    def body(self) -> Any:
        return json.loads(self.rfile.read(int(self.headers["content-length"])))

    def reply(self, status: int, value: Any, headers: Optional[Dict[str, str]] = None) -> None:
        text = value if isinstance(value, bytes) else json.dumps(value).encode()
        self.send_response(status)
        for name, content in {"content-length": str(len(text)), **(headers or {})}.items():
            self.send_header(name, content)
        self.end_headers()
        self.wfile.write(text)

    def problem(self, status: int, code: str, headers: Optional[Dict[str, str]] = None) -> None:
        kind = {"type": f"urn:booster:problem:{code}", "title": "No", "status": status, "detail": "because", "code": code}
        self.reply(status, kind, {"content-type": "application/problem+json", **(headers or {})})

    def stream(self, text: str) -> None:
        """Events until the connection is closed, which the end of the handler does."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("connection", "close")
        self.end_headers()
        self.wfile.write(text.encode())
        self.wfile.flush()


Answer = Callable[[Exchange], None]


@pytest.fixture
def serve() -> Iterator[Callable[[Answer], str]]:
    servers: List[ThreadingHTTPServer] = []

    def start(answer: Answer) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), Exchange)
        server.daemon_threads = True
        server.answer, server.count = answer, 0  # type: ignore[attr-defined]
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_address[1]}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()
