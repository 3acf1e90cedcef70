"""How servers read a request's head: what each takes, and where it refuses."""

import re
from dataclasses import dataclass

from surehop.lab.origins.request import InvalidRequestError, Request

TOKEN = rb"[!#$%&'*+.^_`|~0-9A-Za-z-]"
_START = re.compile(TOKEN)
_BLANK = re.compile(rb"\r?\n\r?\n")
_BARE_LF = re.compile(rb"(?<!\r)\n")
_FOLD = re.compile(rb"\r?\n[ \t]+")


def request_line(
    method: bytes = TOKEN + rb"+",
    space: bytes = b" ",
    target: bytes = rb"[\x21-\x7e\x80-\xff]+",
    version: bytes = rb" HTTP/(1\.[01])",
) -> re.Pattern[bytes]:
    """What is a request line; the version without a group that matches is HTTP/0.9."""
    return re.compile(b"(%b)%b(%b)%b\\Z" % (method, space, target, version))


def header_line(name: bytes = TOKEN + b"+", value: bytes = rb"[^\r\n\0]*") -> re.Pattern[bytes]:
    """What is a header's line."""
    return re.compile(b"(%b):(%b)\\Z" % (name, value))


_LINE, _FIELD = request_line(), header_line()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a server takes as a request; all else it refuses, most of it with 400.

    hosts: how many Host headers HTTP/1.1 may have. empty_host: it may say nothing. lf: a line
    may end in LF alone. folds: a header may go on in the next line. leading: an empty line may
    come first. hasty: a first byte that can't begin a request is refused, not waited behind.

    repeats: Content-Length may be there again, or as a list, if it says the same. both: it may
    be there beside Transfer-Encoding, which counts. old_chunked: HTTP/1.0 may be chunked.
    codings: others than chunked may come before it. other_coding: the status for those.

    head_limit, line_limit, field_limit: bytes of the head, its first line, and each other;
    fields_limit: how many of those; 0 is no limit. too_long: the status for the line's, too_big
    for the others.
    """

    line: re.Pattern[bytes] = _LINE
    field: re.Pattern[bytes] = _FIELD
    hosts: range = range(1, 2)
    empty_host: bool = True
    lf: bool = False
    folds: bool = False
    leading: bool = True
    hasty: bool = True
    repeats: bool = False
    both: bool = False
    old_chunked: bool = False
    codings: bool = False
    other_coding: int = 501
    head_limit: int = 65536
    line_limit: int = 0
    field_limit: int = 0
    fields_limit: int = 0
    too_long: int = 414
    too_big: int = 431

    def find(self, data: bytearray) -> tuple[Request, int] | None:
        """A request's head at the start of the data, and its length; None: there must be more."""
        start = 0
        while self.leading and data.startswith(b"\r\n", start):
            start += 2
        end = _BLANK.search(data, start)
        head = bytes(data[start : end.start() if end else len(data)])
        if not self.lf and _BARE_LF.search(data, start, end.end() if end else len(data)):
            raise InvalidRequestError(400, "a line ends in LF alone")
        self._begun(head, whole=bool(end))
        return (self._request(head), end.end()) if end else None

    def _begun(self, head: bytes, *, whole: bool) -> None:
        """Refuse what can be seen to be wrong already."""
        line, ended, _ = head.partition(b"\n")
        if self.line_limit and len(line) > self.line_limit:
            raise InvalidRequestError(self.too_long, "the request line is too long")
        if len(head) > self.head_limit:
            raise InvalidRequestError(self.too_big, "the head is too big")
        strange = self.hasty and head and not _START.match(head)
        if strange or ((ended or whole) and not self.line.match(line.removesuffix(b"\r"))):
            raise InvalidRequestError(400, "the request line is not HTTP/1")

    def _request(self, head: bytes) -> Request:
        if self.folds:
            head = _FOLD.sub(b" ", head)
        first, *lines = re.split(rb"\r?\n", head)
        line = self.line.match(first)
        if not line:
            raise InvalidRequestError(400, "the request line is not HTTP/1")
        if self.fields_limit and len(lines) > self.fields_limit:
            raise InvalidRequestError(self.too_big, "there are too many header lines")
        headers = tuple(self._header(text) for text in lines)
        method, target = line[1].decode("latin-1"), line[2].decode("latin-1")
        # 2.0 is what one or the other answers as if it were 1.0.
        version = int(line[3] not in (None, b"1.0", b"2.0"))
        request = Request(method, target, version, headers, 0)
        hosts = request.values("host")
        if version and len(hosts) not in self.hosts:
            raise InvalidRequestError(400, "a request has one Host header", hostless=not hosts)
        if version and not self.empty_host and not hosts[0]:
            raise InvalidRequestError(400, "the Host header is empty")
        return Request(method, target, version, headers, self._length(request))

    def _header(self, text: bytes) -> tuple[str, str]:
        if self.field_limit and len(text) > self.field_limit:
            raise InvalidRequestError(self.too_big, "a header line is too long")
        found = self.field.match(text)
        if not found:
            raise InvalidRequestError(400, "a header line is malformed")
        return found[1].strip().decode("latin-1"), found[2].strip(b" \t").decode("latin-1")

    def _length(self, request: Request) -> int | None:
        lengths = request.values("content-length")
        codings = [
            c.strip().lower() for v in request.values("transfer-encoding") for c in v.split(",")
        ]
        if codings:
            if (lengths and not self.both) or not (request.version or self.old_chunked):
                raise InvalidRequestError(400, "the body's length is said in two ways")
            if codings != ["chunked"] and not (self.codings and codings[-1] == "chunked"):
                raise InvalidRequestError(self.other_coding, "only chunked is understood")
            return None
        if self.repeats:
            lengths = list(set(listed(lengths)))
        if len(lengths) > 1 or not all(n.isascii() and n.isdecimal() for n in lengths):
            raise InvalidRequestError(400, "Content-Length is no number")
        return int(lengths[0]) if lengths else 0


def listed(values: list[str]) -> list[str]:
    """The members of a header that is a list, in small letters."""
    return [part.strip().lower() for value in values for part in value.split(",")]
