"""An HTTP/1 answer as it stands on the wire, with its oddities: nothing is mended."""

import re
from dataclasses import dataclass

from surehop.doctor.probing.pace import clock
from surehop.doctor.probing.wire import Wire

_LONGEST_HEAD = 1 << 16
_LONGEST_BODY = 1 << 20
_LONGEST = _LONGEST_BODY + 4 * _LONGEST_HEAD  # with all that is before, between and behind
_STATUS = re.compile(rb"HTTP/(\d\.\d) (\d{3})(?: .*)?\Z")
_LINE_END = re.compile(rb"\r?\n\r?\n")
_ALERT = 0x15  # the first byte of what a TLS server says to who speaks no TLS
_NO_BODY = {204, 304}
_INTERIM = 200  # below it an answer is not the last one
_SHOWN = 40
_SWITCHED = 101


class NotHttp(Exception):  # noqa: N818 (a fact about the server)
    """`why` in words, and what to do."""

    def __init__(self, why: str, hint: str = "") -> None:
        super().__init__(why)
        self.hint = hint


class Ended(Exception):  # noqa: N818
    """FIN came before the answer was whole; `received` bytes of it had come."""

    def __init__(self, received: int) -> None:
        super().__init__("closed")
        self.received = received


@dataclass(frozen=True, slots=True)
class Head:
    """`headers` in lower case, in their order; `first` is when its first bytes came."""

    status: int
    version: str
    headers: tuple[tuple[str, str], ...]
    first: float

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name]

    def words(self, name: str) -> list[str]:
        """Give the members of a list, in lower case."""
        return [word.strip().lower() for value in self.all(name) for word in value.split(",")]

    @property
    def length(self) -> str:
        """How the end of the body is known."""
        if "chunked" in self.words("transfer-encoding"):
            return "chunked"
        return "Content-Length" if self.all("content-length") else "until it closes"

    @property
    def both_lengths(self) -> bool:
        return bool(self.all("transfer-encoding") and self.all("content-length"))


@dataclass(frozen=True, slots=True)
class Answer:
    """`done` is when its last byte had come; `last` is why no other request may follow, or ""."""

    head: Head
    done: float
    last: str


class Reader:
    """Reads answers of one connection. Raises NotHttp, Ended, Silent, OSError."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._buffer = b""
        self._received = self._before = 0
        self._last = 0.0

    def answer(self, method: str, until: float) -> Answer:
        self._before = self._received
        head = self.head(until)
        while head.status < _INTERIM and head.status != _SWITCHED:
            head = self.head(until)
        unknown = self._body(head, method, until)
        return Answer(head, self._last, _closing(head) or unknown)

    def head(self, until: float) -> Head:
        first = None if not self._buffer else self._last
        while not (end := _LINE_END.search(self._buffer)):
            if len(self._buffer) > _LONGEST_HEAD:
                raise NotHttp(f"its head is longer than {_LONGEST_HEAD} bytes")
            _refuse_strangers(self._buffer)  # what is left of an interim answer, too
            self._more(until)
            first = first or self._last
        raw, self._buffer = self._buffer[: end.start()], self._buffer[end.end() :]
        status, *lines = re.split(rb"\r?\n", raw)
        found = _STATUS.match(status)
        if not found:
            raise _stranger(status)
        pairs = [line.decode("latin-1").partition(":") for line in lines]
        headers = tuple((name.strip().lower(), value.strip()) for name, _, value in pairs)
        return Head(int(found[2]), found[1].decode(), headers, first or self._last)

    def _body(self, head: Head, method: str, until: float) -> str:
        """Read it away, or say why its end can't be come to."""
        if method == "HEAD" or head.status in _NO_BODY:
            return ""
        if head.both_lengths:
            return "it says twice how long it is"
        if head.length == "chunked":
            return self._chunks(until)
        sizes = set(head.all("content-length"))
        if not sizes:
            return "it ends with the connection"
        size = sizes.pop()
        if sizes or not (size.isascii() and size.isdigit()):
            return "its Content-Length is no number"
        return self._skip(int(size[:9]), until)

    def _chunks(self, until: float) -> str:
        total = 0
        while True:
            text = self._line(until).partition(b";")[0].strip()
            if not re.fullmatch(rb"[0-9a-fA-F]{1,8}", text):
                return "its chunks are no chunks"
            size = int(text, 16)
            total += size
            if long := self._skip(size, until, total):
                return long
            if not size:
                while self._line(until):
                    pass  # trailers
                return ""
            self._line(until)

    def _line(self, until: float) -> bytes:
        while b"\n" not in self._buffer:
            if len(self._buffer) > _LONGEST_HEAD:
                return b""
            self._more(until)
        line, _, self._buffer = self._buffer.partition(b"\n")
        return line.rstrip(b"\r")

    def _skip(self, size: int, until: float, total: int = 0) -> str:
        if max(size, total) > _LONGEST_BODY:
            return f"it is longer than {_LONGEST_BODY >> 20} MiB"
        while len(self._buffer) < size:
            self._more(until)
        self._buffer = self._buffer[size:]
        return ""

    def _more(self, until: float) -> None:
        if self._received - self._before > _LONGEST:
            raise NotHttp(f"its answer is not over after {_LONGEST >> 10} KiB")
        found = self._wire.receive(until)
        self._last = clock()
        if not found:
            raise Ended(self._received)
        self._received += len(found)
        self._buffer += found


def _closing(head: Head) -> str:
    words = head.words("connection")
    if head.version == "1.0":
        return "" if "keep-alive" in words else "it is HTTP/1.0"
    return "it says `Connection: close`" if "close" in words else ""


def _refuse_strangers(data: bytes) -> None:
    """Say at once that this is no HTTP, instead of waiting for the end of a head."""
    if not data.startswith(b"HTTP/"[: len(data)]):
        raise _stranger(data)


def _stranger(data: bytes) -> NotHttp:
    if data[:1] == bytes([_ALERT]):
        return NotHttp("it speaks TLS", "write `https://`")
    shown = data[:_SHOWN].decode("latin-1").encode("unicode_escape").decode()
    return NotHttp(f"it answers no HTTP/1, but `{shown}`", "is this the right port?")
