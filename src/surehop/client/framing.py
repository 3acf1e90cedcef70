"""What of a request goes on the wire, and how it is framed."""

import re
import uuid
from functools import lru_cache
from typing import Any, Final

from surehop.client.headers import Headers, Pairs
from surehop.client.options import Timeout
from surehop.client.request import Request
from surehop.client.retry import IDEMPOTENT, Retry
from surehop.client.routes import Route
from surehop.client.url import URL
from surehop.errors import LocalProtocolError

# The native side's flags.
IS_IDEMPOTENT, KEYED, HEAD, STREAM, UPLOAD, CHUNKED, REWINDABLE, HOST_GIVEN, LAST = (
    1 << bit for bit in range(9)
)
_METHOD: Final = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_NUMBER: Final = re.compile(r"[0-9]{1,18}")
_TIMES: Final = ("connect", "read", "write", "pool", "total")


class Line:
    """What a plain GET or HEAD of a URL is on the wire; made once."""

    __slots__ = ("epoch", "flags", "line", "pairs", "rest", "source", "target", "url")

    def __init__(
        self, method: str, url: URL, route: Route, headers: Headers, source: Pairs
    ) -> None:
        self.url = url
        self.epoch = 0  # the routes' when it was made
        self.target = route.target
        self.line = request_line(method, url, route)
        self.rest = headers.wire() + (route.forward or b"") + b"\r\n"
        self.pairs = [(b"Host", url.netloc), *headers.raw]
        self.source = source
        self.flags = IS_IDEMPOTENT | (HEAD if method == "HEAD" else 0) | _last(headers)


def request_line(method: str, url: URL, route: Route) -> bytes:
    """With the whole URL for a forward proxy. LocalProtocolError for what is no method."""
    if not _METHOD.fullmatch(method):
        raise LocalProtocolError(f"`{method}` is no method")
    if method == "CONNECT":
        raise LocalProtocolError(
            "`CONNECT` makes a tunnel, which is no request with an answer",
            hint="`proxy=` makes tunnels where they are needed",
        )
    target = url.raw_path or b"/"
    if route.forward is not None:
        target = b"%b://%b%b" % (url.raw_scheme, url.netloc, target)
    return b"%b %b HTTP/1.1\r\n" % (method.encode("ascii"), target)


def frame(request: Request, route: Route, retry: Retry) -> tuple[int, bytes]:
    """Flags and header lines, with the blank line; `Host` is the native side's unless it differs.

    LocalProtocolError where the headers say of the body what is not so.
    """
    headers = request.headers
    flags = IS_IDEMPOTENT if request.method in IDEMPOTENT else 0
    if request.method == "HEAD":
        flags |= HEAD
    flags |= _last(headers)
    if retry.idempotency_key and not flags and not headers.get("Idempotency-Key"):
        headers["Idempotency-Key"] = str(uuid.uuid4())
    if headers.get("Idempotency-Key"):  # an empty one tells no server what it has seen
        flags |= KEYED
    left_out = {b"host"}
    if _has_host_of_its_own(headers, route):
        flags |= HOST_GIVEN
        left_out.clear()
    more = route.forward or b""
    if getattr(request.stream, "whole", None) is None:
        flags |= UPLOAD
        if getattr(request.stream, "replayable", False):
            flags |= REWINDABLE
        if _is_chunked(request):
            flags |= CHUNKED
        elif "content-length" in headers:
            _check_length(headers["content-length"])
        else:
            flags |= CHUNKED
            more += b"Transfer-Encoding: chunked\r\n"
    else:
        more += _length_line(request, left_out)
    return flags, headers.wire(leave_out=frozenset(left_out)) + more + b"\r\n"


def _last(headers: Headers) -> int:
    """Who says `Connection: close` must not send another on it."""
    said = headers.get("connection", "")
    return (
        LAST if said != "keep-alive" and "close" in map(str.strip, said.lower().split(",")) else 0
    )


def _has_host_of_its_own(headers: Headers, route: Route) -> bool:
    hosts = headers.get_list("host")
    if len(hosts) > 1:
        raise LocalProtocolError("the request has more than one `Host` line")
    return hosts not in ([], [route.host.decode("ascii")])


def _is_chunked(request: Request) -> bool:
    coding = request.headers.get("transfer-encoding")
    if coding is None:
        return False
    if coding.lower() != "chunked":
        raise LocalProtocolError(f"`Transfer-Encoding: {coding}` can't be done, only `chunked`")
    if "content-length" in request.headers:
        raise LocalProtocolError(
            "the request has both `Content-Length` and `Transfer-Encoding`",
            hint="say one: what is between must not be able to choose",
        )
    return True


def _check_length(said: str) -> None:
    if not _NUMBER.fullmatch(said):
        raise LocalProtocolError(f"`Content-Length: {said}` is no number of bytes")


def _length_line(request: Request, left_out: set[bytes]) -> bytes:
    """The line that a body in memory lacks. One that is there must be true."""
    whole = request.stream.whole or b""
    if _is_chunked(request):
        left_out.add(b"transfer-encoding")  # it is all there, so its length is said instead
    elif (said := request.headers.get("content-length")) is not None:
        if said != str(len(whole)):
            raise LocalProtocolError(
                f"`Content-Length: {said}`, but the body has {len(whole)} bytes"
            )
        return b""
    return b"Content-Length: %d\r\n" % len(whole) if whole else b""


def read_told(told: Any) -> Timeout:
    """The `Timeout` of a request's extensions; what it does not say is without limit."""
    if isinstance(told, Timeout):
        return told
    return _timeout(*[told.get(name) for name in _TIMES])


@lru_cache(maxsize=64)
def _timeout(
    connect: float | None,
    read: float | None,
    write: float | None,
    pool: float | None,
    total: float | None,
) -> Timeout:
    return Timeout(connect=connect, read=read, write=write, pool=pool, total=total)
