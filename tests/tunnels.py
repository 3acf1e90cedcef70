"""Both ends of an upgraded connection, as bare sockets."""

import socket
import struct
from types import TracebackType
from typing import Self

from waiting import PATIENCE

UPGRADE = "Upgrade: x\r\nConnection: upgrade\r\n"
SWITCH = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"
PASSED = """proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection "upgrade";"""


def asking(
    target: str = "/", lines: str = UPGRADE, *, method: str = "GET", version: str = "1.1"
) -> bytes:
    """A request for another protocol."""
    return f"{method} {target} HTTP/{version}\r\nHost: h\r\n{lines}\r\n".encode()


class End:
    """One end of a connection."""

    def __init__(self, sock: socket.socket) -> None:
        sock.settimeout(PATIENCE)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock = sock
        self._data = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.sock.close()

    def send(self, data: bytes) -> None:
        self.sock.sendall(data)

    def head(self) -> bytes:
        """What comes up to and with an empty line."""
        while b"\r\n\r\n" not in self._data:
            self._more()
        return self._taken(self._data.index(b"\r\n\r\n") + 4)

    def exactly(self, size: int) -> bytes:
        while len(self._data) < size:
            self._more()
        return self._taken(size)

    def rest(self) -> tuple[bytes, str]:
        """All that still comes, and how it ends: `fin` or `rst`."""
        end = "fin"
        try:
            while more := self.sock.recv(1 << 20):
                self._data += more
        except ConnectionResetError:
            end = "rst"
        return self._taken(len(self._data)), end

    def half_close(self) -> None:
        self.sock.shutdown(socket.SHUT_WR)

    def abort(self) -> None:
        """End it by RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.sock.close()

    def _more(self) -> None:
        more = self.sock.recv(1 << 16)
        if not more:
            raise EOFError(bytes(self._data))
        self._data += more

    def _taken(self, size: int) -> bytes:
        data = bytes(self._data[:size])
        del self._data[:size]
        return data


class Switching:
    """An upstream whose connections the test takes into its own hands."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(PATIENCE)
        self.port = int(self._listener.getsockname()[1])

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.close()

    def take(self) -> End:
        """The next connection."""
        return End(self._listener.accept()[0])

    def tunnel(
        self, port: int, request: bytes | None = None, *, switch: bytes = SWITCH
    ) -> tuple[End, End]:
        """The client's and the upstream's end of a tunnel through the proxy on `port`."""
        client = connected(port, request)
        upstream = self.take()
        upstream.head()
        upstream.send(switch)
        assert client.head().startswith(b"HTTP/1.1 101 ")
        return client, upstream


def connected(port: int, request: bytes | None = None) -> End:
    """A client that has asked."""
    client = End(socket.create_connection(("127.0.0.1", port)))
    client.send(asking() if request is None else request)
    return client
