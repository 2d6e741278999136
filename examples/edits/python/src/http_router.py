"""A small router: method and path pattern to handler."""

import json
import re
from dataclasses import dataclass, field

PARAM = re.compile(r"<([a-z_]+)(?::(int|str))?>")


@dataclass
class Request:
    method: str
    path: str
    headers: dict = field(default_factory=dict)
    body: bytes = b""

    def json(self):
        return json.loads(self.body.decode("utf-8"))


@dataclass
class Response:
    status: int = 200
    body: bytes = b""
    headers: dict = field(default_factory=dict)

    @classmethod
    def of_json(cls, value, status=200):
        body = json.dumps(value).encode("utf-8")
        return cls(status, body, {"Content-Type": "application/json"})

    @classmethod
    def error(cls, status, message):
        return cls.of_json({"error": message}, status)


def compile_pattern(pattern):
    """Compile '/user/<id:int>' to a regex and its converters."""
    converters = {}
    regex = ""
    end = 0
    for match in PARAM.finditer(pattern):
        name, kind = match.group(1), match.group(2) or "str"
        regex += re.escape(pattern[end:match.start()])
        if kind == "int":
            converters[name] = int
            regex += f"(?P<{name}>[0-9]+)"
        else:
            converters[name] = str
            regex += f"(?P<{name}>[^/]+)"
        end = match.end()
    regex += re.escape(pattern[end:])
    return re.compile(regex + r"\Z"), converters


class Router:
    def __init__(self):
        self._routes = []
        self._before = []

    def route(self, method, pattern):
        """Decorator that registers a handler."""
        regex, converters = compile_pattern(pattern)

        def register(handler):
            self._routes.append((method, regex, converters, handler))
            return handler

        return register

    def before(self, hook):
        """Register a hook that may answer before any handler runs."""
        self._before.append(hook)
        return hook

    def dispatch(self, request):
        for hook in self._before:
            early = hook(request)
            if early is not None:
                return early
        allowed = set()
        for method, regex, converters, handler in self._routes:
            match = regex.match(request.path)
            if not match:
                continue
            if method != request.method:
                allowed.add(method)
                continue
            args = {k: converters[k](v) for k, v in match.groupdict().items()}
            return handler(request, **args)
        if allowed:
            return Response.error(405, "method not allowed")
        return Response.error(404, "not found")


router = Router()


@router.route("GET", "/health")
def health(request):
    return Response.of_json({"ok": True})


@router.route("GET", "/user/<id:int>")
def show_user(request, id):
    return Response.of_json({"id": id})
