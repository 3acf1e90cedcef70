"""Where HTTP/1 messages begin and end, seen from beside: nothing is judged, nothing changed."""

import re
from dataclasses import dataclass

LARGEST_HEAD = 256 << 10
_END = re.compile(rb"\r?\n\r?\n")
_REQUEST = re.compile(
    rb"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}) (\S{1,65536}) HTTP/1\.[01][ \t]*\r?(?:\n|$)"
)
_STATUS = re.compile(rb"HTTP/1\.[01] ([1-9]\d\d)(?: [^\n]*)?(?:\n|$)")
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,64}(?: |$)")
_FIELD = re.compile(
    rb"^(content-length|transfer-encoding|connection|keep-alive|upgrade)[ \t]*:[ \t]*([^\r\n]*)",
    re.IGNORECASE | re.MULTILINE,
)
_CHUNKED = re.compile(rb"(?:^|,)[ \t]*chunked[ \t]*$", re.IGNORECASE)
_CLOSE = re.compile(rb"(?:^|,)[ \t]*close[ \t]*(?:,|$)", re.IGNORECASE)
_TLS = re.compile(rb"[\x14-\x17]\x03[\x00-\x04]")
_PREFACE = b"PRI * HTTP/2.0\r\n"
_SIZE_LINE = 4096
_DIGITS = 18  # of a length that is believed


class NotHttpError(ValueError):
    """These bytes are no HTTP/1; the text says what they seem to be."""


@dataclass(slots=True)
class Head:
    """What of a message's head says where it ends. `length` is None without Content-Length."""

    first: bytes
    size: int
    length: int | None
    chunked: bool
    close: bool
    hint: str | None
    upgrade: bool


class HeadReader:
    """Collects a head. `feed` gives it with the position behind it, or None if more is needed."""

    def __init__(self, *, request: bool) -> None:
        self._request = request
        self._data = b""

    @property
    def empty(self) -> bool:
        return not self._data

    def feed(self, data: bytes, at: int) -> tuple[Head, int] | None:
        """Raises NotHttpError."""
        before = len(self._data)
        whole = self._data + data[at:] if before or at else data
        begin = 0
        while whole[begin : begin + 1] in (b"\r", b"\n"):
            begin += 1
        found = _END.search(whole, begin)
        self._check(whole, begin)
        if found is None:
            if len(whole) > LARGEST_HEAD:
                raise NotHttpError("a head without an end")
            self._data = whole[begin:] if begin < len(whole) else b""
            return None
        self._data = b""
        head = _head(whole[begin : found.end()])
        return head, at + found.end() - before

    def _check(self, whole: bytes, begin: int) -> None:
        if begin == len(whole):
            return
        line_end = whole.find(b"\n", begin)
        if not self._request:
            known = whole[begin : begin + 7]
            if b"HTTP/1."[: len(known)] != known:
                raise NotHttpError(_guess(whole[begin:]))
            if line_end >= 0 and not _STATUS.match(whole, begin):
                raise NotHttpError("no status line")
            return
        if line_end < 0:
            if not _TOKEN.match(whole, begin):
                raise NotHttpError(_guess(whole[begin:]))
        elif not _REQUEST.match(whole, begin):
            raise NotHttpError(_guess(whole[begin:]))


def request_line(head: Head) -> tuple[str, str]:
    """The method and the target."""
    method, target, _ = head.first.split(b" ", 2)
    return method.decode("ascii"), target.decode("latin-1")


def status_of(head: Head) -> int:
    return int(head.first[9:12])


def _guess(data: bytes) -> str:
    if _TLS.match(data):
        return "TLS"
    if data.startswith(_PREFACE):
        return "HTTP/2"
    return "not HTTP/1"


def _head(text: bytes) -> Head:
    first, _, rest = text.partition(b"\n")
    head = Head(first, len(text), None, chunked=False, close=False, hint=None, upgrade=False)
    for name, value in _FIELD.findall(rest):
        match name.lower():
            case b"content-length":
                plain = value.split(b",", 1)[0].strip()
                head.length = (
                    int(plain) if plain.isdigit() and len(plain) <= _DIGITS else head.length
                )
            case b"transfer-encoding":
                head.chunked = bool(_CHUNKED.search(value.rstrip()))
            case b"connection":
                head.close = head.close or bool(_CLOSE.search(value))
            case b"keep-alive":
                head.hint = value.strip().decode("latin-1")
            case _:
                head.upgrade = True
    return head


class Body:
    """Counts a body of a length, None: until the end of the connection."""

    def __init__(self, length: int | None) -> None:
        self._left = length

    @property
    def ended(self) -> bool:
        return self._left == 0

    @property
    def until_close(self) -> bool:
        """Whether the end of the connection is its end."""
        return self._left is None

    def feed(self, data: bytes, at: int) -> int:
        """The position behind what belongs to it."""
        rest = len(data) - at
        if self._left is None:
            return len(data)
        taken = min(rest, self._left)
        self._left -= taken
        return at + taken


class ChunkedBody(Body):
    """Counts a chunked body with its trailers."""

    def __init__(self) -> None:
        super().__init__(1)
        self._data_left = 0  # of a chunk, with the line end behind it
        self._line = b""
        self._trailers = False
        self._ended = False

    @property
    def ended(self) -> bool:
        return self._ended

    def feed(self, data: bytes, at: int) -> int:
        """The position behind what belongs to it. Raises NotHttpError."""
        while at < len(data) and not self._ended:
            if self._data_left:
                taken = min(self._data_left, len(data) - at)
                self._data_left -= taken
                at += taken
                continue
            end = data.find(b"\n", at)
            if end < 0:
                self._line += data[at:]
                if len(self._line) > _SIZE_LINE:
                    raise NotHttpError("a chunk's size without an end")
                return len(data)
            line = (self._line + data[at:end]).strip()
            self._line = b""
            at = end + 1
            self._take(line)
        return at

    def _take(self, line: bytes) -> None:
        if self._trailers:
            self._ended = not line
            return
        try:
            size = int(line.split(b";", 1)[0], 16)
        except ValueError:
            raise NotHttpError("no chunk size") from None
        self._trailers = size == 0
        # The line end behind the data is two bytes, as everybody sends it.
        self._data_left = size + 2 if size else 0
