"""An upstream that does, byte by byte, what a test tells it to."""

import socket
import threading
from collections.abc import Callable
from types import TracebackType
from typing import Self

PATIENCE = 10.0


class Upstream:
    """Listens on 127.0.0.1 and plays `script` with each connection, in a thread of its own."""

    def __init__(self, script: Callable[["Line"], None]) -> None:
        self._script = script
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port: int = self._listener.getsockname()[1]
        self.connections = 0
        self.heads: list[bytes] = []
        self._lines: list[Line] = []
        self._thread = threading.Thread(target=self._accept, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE)
        for line in self._lines:
            line.hang_up()

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            line = Line(self, sock, self.connections)
            self._lines.append(line)
            threading.Thread(target=line.play, args=(self._script,), daemon=True).start()


class Line:
    """One connection of an upstream; `number` counts them from 1."""

    def __init__(self, upstream: Upstream, sock: socket.socket, number: int) -> None:
        self.sock = sock
        self.number = number
        self._upstream = upstream
        self._data = b""
        sock.settimeout(PATIENCE)

    def play(self, script: Callable[["Line"], None]) -> None:
        try:
            script(self)
        except OSError:
            pass  # the other side went: its test says whether it should have
        finally:
            self.sock.close()

    def request(self) -> bytes:
        """The next request's head; b"" once there will be none."""
        while b"\r\n\r\n" not in self._data:
            more = self.sock.recv(65536)
            if not more:
                return b""
            self._data += more
        head, self._data = self._data.split(b"\r\n\r\n", 1)
        self._upstream.heads.append(head)
        return head

    def say(self, data: bytes) -> None:
        self.sock.sendall(data)

    def hang_up(self) -> None:
        try:
            self.sock.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def ok(body: bytes = b"ok") -> bytes:
    """A whole answer."""
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)


def steady(line: Line) -> None:
    """The script of an upstream that answers everything with `ok`."""
    while line.request():
        line.say(ok())


def told(port: int, request: bytes) -> bytes:
    """All that comes back on a connection of its own for `request`, up to the end."""
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock:
        sock.sendall(request)
        return rest(sock)


def rest(sock: socket.socket) -> bytes:
    """All that still comes, up to the end."""
    found = b""
    while more := sock.recv(65536):
        found += more
    return found


def head(sock: socket.socket) -> bytes:
    """An answer's head, byte by byte, so that what follows is left in the socket."""
    found = b""
    while not found.endswith(b"\r\n\r\n"):
        byte = sock.recv(1)
        if not byte:
            raise EOFError(found)
        found += byte
    return found


def get(path: str = "/", *, close: bool = True) -> bytes:
    """A request for `path`."""
    end = "Connection: close\r\n" if close else ""
    return f"GET {path} HTTP/1.1\r\nHost: h\r\n{end}\r\n".encode()
