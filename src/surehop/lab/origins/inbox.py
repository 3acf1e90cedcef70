"""The reading side of a connection: request after request out of its bytes."""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import Iterator
from typing import Any

from surehop.lab.origins.reading import Reading
from surehop.lab.origins.request import Body, InvalidRequestError, Request
from surehop.lab.toxics import CutError, Pipe

_LINE_LIMIT = 65536  # of chunks and trailers
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\Z", re.DOTALL)


class EnoughError(Exception):
    """As many bytes of the request have come as were to be read."""


class ClientGoneError(Exception):
    """The connection ended in the middle of a request."""


class Arrivals(asyncio.StreamReader):
    """A reader that tells what has come: who waits for it hears of it a turn of the loop later."""

    def __init__(self) -> None:
        super().__init__()
        self.waiting = 0  # bytes that nobody has read

    def feed_data(self, data: Any) -> None:
        self.waiting += len(data)
        super().feed_data(data)

    async def read(self, n: int = -1) -> bytes:
        data = await super().read(n)
        self.waiting -= len(data)
        return data


class Inbox:
    """The reading side of one connection. reading: how the server reads heads, now."""

    def __init__(self, reader: asyncio.StreamReader, pipe: Pipe | None = None) -> None:
        self.reading = Reading()
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
        while not (found := self.reading.find(self._data)):
            await self._need()
        request, length = found
        del self._data[:length]
        return request

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
            if len(self._data) > _LINE_LIMIT:
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
