"""One client connection that takes nothing on trust: an answer is whole, or it is lost."""

import asyncio
import socket
import struct
from dataclasses import dataclass
from typing import Self

_RESET = struct.pack("ii", 1, 0)
_PATIENCE = 30.0  # seconds that one exchange may take
_NOT_MODIFIED = 304
_NO_CONTENT = 204


class BrokenError(Exception):
    """No whole answer came; `begun`: a part of it did, with this status."""

    def __init__(self, why: str, status: int = 0) -> None:
        super().__init__(why)
        self.status = status


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer. `keeps`: the connection goes on."""

    status: int
    headers: dict[str, str]
    body: bytes
    keeps: bool


class Connection:
    """A connection to 127.0.0.1."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, port: int) -> Self:
        """Connect. Raises BrokenError."""
        try:
            async with asyncio.timeout(_PATIENCE):
                return cls(*await asyncio.open_connection("127.0.0.1", port, limit=1 << 20))
        except OSError as e:
            raise BrokenError(f"no connection: {e}") from e

    def close(self) -> None:
        self._writer.close()

    def abort(self) -> None:
        """End it by RST."""
        sock = self._writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        self._writer.transport.abort()

    async def send(self, data: bytes) -> None:
        """Raises BrokenError."""
        try:
            async with asyncio.timeout(_PATIENCE):
                self._writer.write(data)
                await self._writer.drain()
        except (OSError, TimeoutError) as e:
            raise BrokenError(f"not sent: {_told(e)}") from e

    async def answer(self, method: str = "GET", *, pace: float = 0.0) -> Answer:
        """The next answer; pace: seconds between two receives. Raises BrokenError."""
        status = 0
        try:
            async with asyncio.timeout(_PATIENCE):
                head = await self._reader.readuntil(b"\r\n\r\n")
                first, *lines = head.decode("latin-1").split("\r\n")[:-2]
                version, text, *_ = first.split(" ")
                status = int(text)
                headers = {n.lower(): v for n, v in (line.split(": ", 1) for line in lines)}
                body = await self._body(method, status, headers, pace)
        except asyncio.IncompleteReadError as e:
            raise BrokenError("ended by FIN" if status or e.partial else "no answer", status) from e
        except (OSError, TimeoutError, ValueError, asyncio.LimitOverrunError) as e:
            raise BrokenError(_told(e), status) from e
        framed = "content-length" in headers or "transfer-encoding" in headers
        wants = headers.get("connection", "keep-alive" if version == "HTTP/1.1" else "close")
        return Answer(status, headers, body, keeps=framed and wants != "close")

    async def _body(self, method: str, status: int, headers: dict[str, str], pace: float) -> bytes:
        if method == "HEAD" or status in (_NO_CONTENT, _NOT_MODIFIED):
            return b""
        if headers.get("transfer-encoding") == "chunked":
            return await self._chunks()
        if "content-length" not in headers:
            return await self._reader.read(-1)
        pieces: list[bytes] = []
        left = int(headers["content-length"])
        while left:
            piece = await self._reader.readexactly(min(left, 65536))
            pieces.append(piece)
            left -= len(piece)
            if pace:
                await asyncio.sleep(pace)
        return b"".join(pieces)

    async def _chunks(self) -> bytes:
        pieces: list[bytes] = []
        while size := int((await self._reader.readuntil(b"\r\n"))[:-2], 16):
            pieces.append(await self._reader.readexactly(size))
            if await self._reader.readexactly(2) != b"\r\n":
                raise ValueError("a chunk does not end where it says")
        if await self._reader.readexactly(2) != b"\r\n":
            raise ValueError("trailers that nobody announced")
        return b"".join(pieces)


def _told(e: BaseException) -> str:
    return f"{type(e).__name__} {e}".strip()
