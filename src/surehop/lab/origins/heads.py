"""The heads of answers, worded and ordered as the profile's server does it."""

from email.utils import formatdate
from http import HTTPStatus

from surehop.lab.origins.behaviour import Behaviour
from surehop.lab.origins.pages import Page
from surehop.lab.origins.request import InvalidRequestError, Request

# What Python calls otherwise before 3.13.
_NEWER = {413: "Payload Too Large", 414: "URI Too Long", 416: "Range Not Satisfiable"}
_KNOWN = frozenset(HTTPStatus)
GARBAGE = b"\x15\x03\x01 this is not HTTP\r\n\r\n"


def head_of(
    page: Page,
    request: Request | None,
    behaviour: Behaviour,
    *,
    keep: bool,
    chunked: bool,
) -> bytes:
    """Everything before the body. keep: the connection stays open, and the head may say so."""
    manner = behaviour.manner
    lines = {
        "date": [f"Date: {_date()}"],
        "server": [f"Server: {manner.server}"] if manner.server else [],
        "type": [f"Content-Type: {page.kind}"] if page.kind and not page.bodiless else [],
        "length": _length(page, request, behaviour),
        "own": [f"X-Request-Id: {name}" for name in request.values("x-request-id")]
        if request
        else [],
    }
    if manner.lower:
        lines = {name: [_lowered(line) for line in some] for name, some in lines.items()}
    # What is said of the connection keeps its letters in all of them.
    lines["chunked"] = ["Transfer-Encoding: chunked"] if chunked and not page.bodiless else []
    lines["connection"] = _connection(behaviour, keep=keep)
    lines["hint"] = _hint(behaviour, keep=keep)
    if request and request.method == "HEAD":
        lines |= {name: [] for name in ("length", "chunked") if name not in manner.head_says}
    ordered = [line for name in manner.order for line in lines[name]]
    old = behaviour.http10 or (request and not request.version and manner.echoes_10)
    text = "".join(line + "\r\n" for line in ordered)
    return status_line(page.status, behaviour, 0 if old else 1) + text.encode("latin-1") + b"\r\n"


def status_line(status: int, behaviour: Behaviour, version: int = 1) -> bytes:
    return f"HTTP/1.{version} {status} {_phrase(status, behaviour)}\r\n".encode()


def refused(error: InvalidRequestError, behaviour: Behaviour) -> bytes:
    """The answer to what is no request."""
    manner = behaviour.manner
    refusal = manner.hostless if error.hostless and manner.hostless else manner.refusal
    told = {"status": error.status, "phrase": _phrase(error.status, behaviour), "why": error}
    text = refusal.body.format_map(told)
    if refusal.head is None:
        page = Page(error.status, iter(()), len(text), refusal.kind)
        return head_of(page, None, behaviour, keep=False, chunked=False) + text.encode()
    head = refusal.head.format_map({**told, "length": len(text), "date": _date()})
    return status_line(error.status, behaviour) + (head + text).encode()


def late(behaviour: Behaviour) -> bytes:
    """The answer to what did not come in time, as Node has it."""
    return status_line(HTTPStatus.REQUEST_TIMEOUT, behaviour) + b"Connection: close\r\n\r\n"


def two_lengths(size: int) -> bytes:
    """An answer that says its length twice, and not the same."""
    head = f"Content-Length: {size}\r\nContent-Length: {size + 1}\r\n\r\n"
    return b"HTTP/1.1 200 OK\r\n" + head.encode() + b"x" * size


def chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def _lowered(line: str) -> str:
    name, colon, value = line.partition(":")
    return name.lower() + colon + value


def _phrase(status: int, behaviour: Behaviour) -> str:
    named = behaviour.manner.phrases.get(status) or _NEWER.get(status)
    return named or (HTTPStatus(status).phrase if status in _KNOWN else "Unknown")


def _date() -> str:
    return formatdate(usegmt=True)


def _length(page: Page, request: Request | None, behaviour: Behaviour) -> list[str]:
    old = behaviour.http10 or (
        request is not None and not request.version and not behaviour.manner.measures_10
    )
    if page.bodiless or page.length is None or old:
        return []
    return [f"Content-Length: {page.length}"]


def _connection(behaviour: Behaviour, *, keep: bool) -> list[str]:
    if not keep:
        return ["Connection: close"]
    return ["Connection: keep-alive"] if behaviour.manner.says_keep else []


def _hint(behaviour: Behaviour, *, keep: bool) -> list[str]:
    timeout = behaviour.keepalive_timeout
    if not (keep and behaviour.hint and timeout):
        return []
    said = f"{int(timeout)}" if behaviour.manner.whole_seconds else f"{timeout:g}"
    left = f", max={behaviour.max_requests}" if behaviour.max_requests else ""
    return [f"Keep-Alive: timeout={said}{left}"]
