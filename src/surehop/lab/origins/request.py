"""Requests read from a connection, strictly: what is doubtful is refused, never guessed at."""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote

from surehop.lab.toxics import CutError, Pipe

_HEAD_LIMIT = 65536
_TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+\Z")
_LINE = re.compile(rb"([!#$%&'*+.^_`|~0-9A-Za-z-]+) ([\x21-\x7e\x80-\xff]+) HTTP/1\.([01])\Z")
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\Z", re.DOTALL)


class InvalidRequestError(Exception):
    """The request can't be taken; `status` is the answer, after which the connection closes."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class EnoughError(Exception):
    """As many bytes of the request have come as were to be read."""


class ClientGoneError(Exception):
    """The connection ended in the middle of a request."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request's head. `version` is the minor one, `length` None for a chunked body."""

    method: str
    target: str
    version: int
    headers: tuple[tuple[str, str], ...]
    length: int | None

    def values(self, name: str) -> list[str]:
        return [v for n, v in self.headers if n.lower() == name]

    def tokens(self, name: str) -> set[str]:
        return {t.strip().lower() for v in self.values(name) for t in v.split(",")}

    @property
    def path(self) -> str:
        path = self.target.partition("?")[0]
        if not path.startswith("/") and "://" in path:  # absolute-form
            path = "/" + path.partition("://")[2].partition("/")[2]
        return unquote(path)

    def number(self, name: str, otherwise: int) -> int:
        """The number that the query gives for a name."""
        text = parse_qs(self.target.partition("?")[2]).get(name, [""])[0]
        return int(text) if text.isdecimal() else otherwise

    @property
    def keeps_alive(self) -> bool:
        if self.version == 0:
            return "keep-alive" in self.tokens("connection")
        return "close" not in self.tokens("connection")

    @property
    def expects_continue(self) -> bool:
        return self.version == 1 and "100-continue" in self.tokens("expect")


@dataclass(frozen=True, slots=True)
class Body:
    """What is remembered of a request's body."""

    length: int = 0
    sha256: str = hashlib.sha256(b"").hexdigest()


class Inbox:
    """The reading side of one connection."""

    def __init__(self, reader: asyncio.StreamReader, pipe: Pipe | None = None) -> None:
        self._reader = reader
        self._pipe = pipe
        self._data = bytearray()
        self._received = 0
        self._enough: int | None = None

    @contextlib.contextmanager
    def up_to(self, count: int | None) -> Iterator[None]:
        """Inside, reading so many bytes of the next request ends in EnoughError; None: never."""
        if count is not None:
            self._enough = self._received - len(self._data) + count
        try:
            self._check()
            yield
        finally:
            self._enough = None

    async def begins(self) -> bool:
        """Wait for a request's first byte; False when the client has gone."""
        return bool(self._data) or await self._more()

    async def head(self) -> Request:
        # A CRLF before a request line is forgiven, as RFC 9112 asks.
        while True:
            while self._data.startswith(b"\r\n"):
                del self._data[:2]
            end = self._data.find(b"\r\n\r\n")
            if end >= 0:
                break
            if len(self._data) > _HEAD_LIMIT:
                raise InvalidRequestError(431, "the head is too big")
            await self._need()
        head = bytes(self._data[:end])
        del self._data[: end + 4]
        return parse(head)

    async def body(self, request: Request) -> Body:
        seen = hashlib.sha256()
        length = 0
        if request.length is not None:
            length = request.length
            await self._take(length, seen)
        else:
            while size := await self._chunk_size():
                await self._take(size, seen)
                length += size
                if await self._line():
                    raise InvalidRequestError(400, "a chunk does not end where it should")
            while await self._line():  # trailers
                pass
        return Body(length, seen.hexdigest())

    async def content(self, length: int) -> bytes:
        """A body of known length, kept."""
        while len(self._data) < length:
            await self._need()
        taken = bytes(self._data[:length])
        del self._data[:length]
        return taken

    async def end(self) -> None:
        """Read and forget until the client closes."""
        self._data.clear()
        while await self._more():
            self._data.clear()

    async def swallow(self, pipe: Pipe) -> None:
        """Read and forget until the client closes or the pipe ends in CutError."""
        gone = asyncio.ensure_future(self._drained())
        over = asyncio.ensure_future(pipe.wait_out())
        try:
            await asyncio.wait({gone, over}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            over.cancel()
            await asyncio.gather(gone, over, return_exceptions=True)
        raise CutError("fin")

    async def _drained(self) -> None:
        while await self._reader.read(65536):
            pass

    async def _chunk_size(self) -> int:
        line = await self._line()
        size = _SIZE.match(line)
        if not size:
            raise InvalidRequestError(400, "a chunk has no size")
        return int(size[1], 16)

    async def _line(self) -> bytes:
        while (end := self._data.find(b"\r\n")) < 0:
            if len(self._data) > _HEAD_LIMIT:
                raise InvalidRequestError(400, "a line is too long")
            await self._need()
        line = bytes(self._data[:end])
        del self._data[: end + 2]
        return line

    async def _take(self, count: int, seen: "hashlib._Hash") -> None:
        while count:
            if not self._data:
                await self._need()
            part = bytes(self._data[:count])
            del self._data[: len(part)]
            seen.update(part)
            count -= len(part)

    async def _need(self) -> None:
        if not await self._more():
            raise ClientGoneError

    async def _more(self) -> bool:
        data = await self._read()
        self._data += data
        self._received += len(data)
        self._check()
        return bool(data)

    async def _read(self) -> bytes:
        """What comes next, and is let through; empty: the client has gone."""
        while True:
            try:
                data = await self._reader.read(65536)
            except ConnectionError:
                return b""
            if not data or self._pipe is None or self._pipe.clear:
                return data
            arrived = asyncio.get_running_loop().time()
            if let := b"".join([p async for p in self._pipe.passed(data, arrived)]):
                return let
            if self._pipe.swallowed:
                await self.swallow(self._pipe)

    def _check(self) -> None:
        if self._enough is not None and self._received >= self._enough:
            raise EnoughError


def parse(head: bytes) -> Request:
    """A request's head without its empty line."""
    first, *lines = head.split(b"\r\n")
    line = _LINE.match(first)
    if not line:
        raise InvalidRequestError(400, "the request line is not HTTP/1")
    headers = tuple(_header(text) for text in lines)
    method, target, version = line[1].decode("latin-1"), line[2].decode("latin-1"), int(line[3])
    request = Request(method, target, version, headers, 0)
    if version == 1 and len(request.values("host")) != 1:
        raise InvalidRequestError(400, "a request has one Host header")
    return Request(method, target, version, headers, _length(request))


def _header(line: bytes) -> tuple[str, str]:
    name, colon, value = line.partition(b":")
    value = value.strip(b" \t")
    if not colon or not _TOKEN.match(name) or any(c in value for c in b"\r\n\0"):
        raise InvalidRequestError(400, "a header line is malformed")
    return name.decode("latin-1"), value.decode("latin-1")


def _length(request: Request) -> int | None:
    lengths, codings = request.values("content-length"), request.values("transfer-encoding")
    if codings:
        if lengths or request.version == 0:
            raise InvalidRequestError(400, "the body's length is said in two ways")
        if [c.lower() for c in codings] != ["chunked"]:
            raise InvalidRequestError(501, "only chunked is understood")
        return None
    if len(set(lengths)) > 1 or not all(n.isascii() and n.isdecimal() for n in lengths):
        raise InvalidRequestError(400, "Content-Length is no number")
    return int(lengths[0]) if lengths else 0
