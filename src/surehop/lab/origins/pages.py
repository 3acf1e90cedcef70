"""What is answered on which path."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field

from surehop.lab.origins.behaviour import Behaviour
from surehop.lab.origins.request import Body, Request

_PIECE = 65536
_PATTERN = bytes(range(33, 127)) * (_PIECE // 94 + 2)
_LARGEST = 1 << 40


@dataclass(slots=True)
class Page:
    """An answer. `length` None: of unknown length, so chunked or ended by closing."""

    status: int = 200
    content: Iterator[bytes] = field(default_factory=lambda: iter(()))
    length: int | None = 0
    kind: str = "text/plain"
    early: int = 0  # a 1xx status sent first
    wait: float = 0.0  # seconds before the head
    pace: float = 0.0  # seconds between pieces

    @property
    def bodiless(self) -> bool:
        return self.status in (204, 304)


def page(request: Request, body: Body, behaviour: Behaviour) -> Page:  # noqa: PLR0911  a table
    """The page for a request."""
    name, _, rest = request.path.strip("/").partition("/")
    number = int(rest) if rest.isdecimal() and int(rest) <= _LARGEST else None
    match name, number:
        case "echo", _:
            text = json.dumps(_echo(request, body)).encode()
            return Page(content=iter([text]), length=len(text), kind="application/json")
        case "bytes", int(size):
            return Page(content=pattern(size), length=size)
        case "chunked", int(size):
            return Page(content=pattern(size, piece=1000), length=None)
        case "drip", int(size):
            pace = request.number("ms", 10) / 1000
            return Page(content=pattern(size, piece=1), length=size, pace=pace)
        case "status", int(status) if 200 <= status <= 599:  # noqa: PLR2004  HTTP's own range
            return plain(status, f"{status}\n".encode())
        case "early", _:
            early = request.number("status", 103)
            return _usual(behaviour, early=early if early in (100, 102, 103) else 103)
        case "slow", _:
            return _usual(behaviour, wait=request.number("ms", 1000) / 1000)
        case _:
            return _usual(behaviour)


def plain(status: int, text: bytes) -> Page:
    """A short text with a status."""
    return Page(status=status, content=iter([text]), length=len(text))


def busy() -> Page:
    """What uvicorn answers when it has too much to do."""
    text = b"Service Unavailable"
    return Page(503, iter([text]), len(text), "text/plain; charset=utf-8")


def nothing(status: int) -> Page:
    """A status without a word, as Node's server answers by itself."""
    return Page(status, length=None, kind="")


def pattern(size: int, piece: int = _PIECE) -> Iterator[bytes]:
    """`size` bytes that show where something went missing: printable ones, in a circle."""
    for start in range(0, size, piece):
        offset = start % 94
        yield _PATTERN[offset : offset + min(piece, size - start)]


def _usual(behaviour: Behaviour, *, early: int = 0, wait: float = 0.0) -> Page:
    size = behaviour.body
    content = iter([b"ok\n"]) if size == len(b"ok\n") else pattern(size)
    return Page(status=behaviour.status, content=content, length=size, early=early, wait=wait)


def _echo(request: Request, body: Body) -> dict[str, object]:
    return {
        "method": request.method,
        "target": request.target,
        "version": f"1.{request.version}",
        "headers": request.headers,
        "body": {"length": body.length, "sha256": body.sha256},
    }
