"""A client of bare sockets, which shows the bytes that come and how a connection ended.

Where statuses alone are looked at, `surehop.lab.measure.Client` is shorter.
"""

import socket
import struct
from types import TracebackType
from typing import Self

GET = b"GET / HTTP/1.1\r\nHost: o\r\n\r\n"


class Raw:
    """One connection. `end()` is `fin`, `rst`, or `open` if it goes on."""

    def __init__(self, port: int, host: str = "127.0.0.1", *, unix: str | None = None) -> None:
        if unix:
            self._sock = socket.socket(socket.AF_UNIX)
            self._sock.connect(unix)
        else:
            self._sock = socket.create_connection((host, port), timeout=5)
        self._sock.settimeout(5)
        self._data = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._sock.close()

    def close(self) -> None:
        """End it by FIN, or by RST if something is unread."""
        self._sock.close()

    def abort(self) -> None:
        """End it by RST."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._sock.close()

    def send(self, data: bytes) -> Self:
        self._sock.sendall(data)
        return self

    def until(self, mark: bytes) -> bytes:
        """What arrives up to and including a mark."""
        while mark not in self._data:
            more = self._sock.recv(65536)
            if not more:
                raise EOFError(self._data)
            self._data += more
        found, self._data = self._data.split(mark, 1)
        return found + mark

    def rest(self) -> bytes:
        """All that arrives until FIN."""
        pieces = [self._data]
        while more := self._sock.recv(1 << 20):
            pieces.append(more)
        self._data = b""
        return b"".join(pieces)

    def answer(self, request: bytes = GET) -> tuple[int, dict[str, str], bytes]:
        """Send, and read one answer of known length: status, headers, body."""
        head, headers = self.send(request).head()
        while len(self._data) < (size := int(headers.get("content-length", "0"))):
            more = self._sock.recv(65536)
            if not more:
                raise EOFError(self._data)
            self._data += more
        body, self._data = self._data[:size], self._data[size:]
        return head, headers, body

    def head(self) -> tuple[int, dict[str, str]]:
        first, *lines = self.until(b"\r\n\r\n").decode("latin-1").rstrip().split("\r\n")
        pairs = (line.split(": ", 1) for line in lines)
        return int(first.split()[1]), {name.lower(): value for name, value in pairs}

    def left(self) -> bytes:
        """What has arrived and was not asked for yet."""
        return self._data

    def end(self, timeout: float = 5) -> str:
        self._sock.settimeout(timeout)
        try:
            while more := self._sock.recv(65536):
                self._data += more
        except ConnectionResetError:
            return "rst"
        except TimeoutError:
            return "open"
        return "fin"


def get(target: str = "/", *, close: bool = False) -> bytes:
    """A GET; close: it asks for the connection to be closed behind the answer."""
    end = "Connection: close\r\n" if close else ""
    return f"GET {target} HTTP/1.1\r\nHost: o\r\n{end}\r\n".encode("latin-1")


def exchanged(port: int, request: bytes) -> bytes:
    """All that comes back for a request on a connection of its own, until FIN."""
    with Raw(port) as client:
        return client.send(request).rest()


def untouched(port: int) -> str:
    """How a connection ends on which nothing is sent; a reset may be there before it is seen."""
    try:
        with Raw(port) as client:
            return client.end()
    except ConnectionResetError:
        return "rst"
