"""The heads of answers, worded and ordered as the profile's server does it."""

from email.utils import formatdate
from http import HTTPStatus

from surehop.lab.origins.behaviour import Behaviour
from surehop.lab.origins.pages import Page
from surehop.lab.origins.request import Request

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
        "date": [f"Date: {formatdate(usegmt=True)}"],
        "server": [f"Server: {manner.server}"] if manner.server else [],
        "type": [f"Content-Type: {page.kind}"] if page.kind and not page.bodiless else [],
        "length": [] if page.bodiless else _length(page, behaviour, chunked=chunked),
        "own": [f"X-Request-Id: {name}" for name in request.values("x-request-id")]
        if request
        else [],
    }
    if manner.lower:
        lines = {name: [_lowered(line) for line in some] for name, some in lines.items()}
    # What is said of the connection keeps its letters in all of them.
    lines["connection"] = _connection(behaviour, keep=keep)
    lines["hint"] = _hint(behaviour, keep=keep)
    ordered = [line for name in manner.order for line in lines[name]]
    version = 0 if behaviour.http10 else 1
    text = "".join(line + "\r\n" for line in ordered)
    return status_line(page.status, version) + text.encode("latin-1") + b"\r\n"


def status_line(status: int, version: int = 1) -> bytes:
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    return f"HTTP/1.{version} {status} {phrase}\r\n".encode()


def bare(status: int) -> bytes:
    """A refusal of few words, as Node's parser has it."""
    return status_line(status) + b"Connection: close\r\n\r\n"


def two_lengths(size: int) -> bytes:
    """An answer that says its length twice, and not the same."""
    head = f"Content-Length: {size}\r\nContent-Length: {size + 1}\r\n\r\n"
    return status_line(200) + head.encode() + b"x" * size


def chunk(piece: bytes) -> bytes:
    return b"%x\r\n%b\r\n" % (len(piece), piece)


def _lowered(line: str) -> str:
    name, colon, value = line.partition(":")
    return name.lower() + colon + value


def _length(page: Page, behaviour: Behaviour, *, chunked: bool) -> list[str]:
    if chunked:
        return ["Transfer-Encoding: chunked"]
    if page.length is None or behaviour.http10:
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
