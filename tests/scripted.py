"""An origin that sends exactly the bytes it is told, and remembers exactly those it got.

Take it where a test is about bytes and their order: what an answer is cut into, what is malformed,
what waits until the test says so. Where an ordinary HTTP server will do, or one that fails in a way
that has a name (refusing, racing a reused connection, letting go of idle ones), take
`surehop.lab.origins`: it is what incidents are made of, and it counts what reached it.
"""

import socket
import struct
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

# What an origin does with a request, step by step: bytes are sent; `fin` and `rst` end the
# connection; `hang` waits until the other side ends it; an event is waited for.
Step = bytes | Literal["fin", "rst", "hang"] | threading.Event

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Type: text/plain\r\n\r\nok\n"
_RESET = struct.pack("ii", 1, 0)
_PATIENCE = 20.0


@dataclass(frozen=True, slots=True)
class Answer:
    """Steps for one request. early: they begin before the request's body is read."""

    steps: tuple[Step, ...] = (OK,)
    early: bool = False


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came. framing: `none`, `length` or `chunked`."""

    connection: int
    head: bytes
    body: bytes
    framing: str

    @property
    def line(self) -> str:
        return self.head.split(b"\r\n", 1)[0].decode("latin-1")

    @property
    def target(self) -> str:
        return self.line.split(" ")[1]

    def header(self, name: str) -> list[str]:
        """All values of a header, in order."""
        pairs = (line.split(": ", 1) for line in self.head.decode("latin-1").split("\r\n")[1:-2])
        return [value for key, value in pairs if key.lower() == name.lower()]


@dataclass(slots=True)
class _Script:
    answers: Mapping[str, Answer] = field(default_factory=dict)
    default: Answer = field(default_factory=Answer)


class Scripted:
    """A listening origin, with a thread for each connection."""

    def __init__(self, *, unix: str | None = None, backlog: int = 128) -> None:
        if unix:
            self._listener = socket.socket(socket.AF_UNIX)
            self._listener.bind(unix)
        else:
            self._listener = socket.socket()
            self._listener.bind(("127.0.0.1", 0))
            self.port = int(self._listener.getsockname()[1])
        self._listener.listen(backlog)
        self._script = _Script()
        self._lock = threading.Condition()
        self._received: list[Received] = []
        self._begun = 0
        self._sockets: dict[int, socket.socket] = {}
        self._accepted = 0
        self._ended = 0
        self._threads: list[threading.Thread] = []

    def __enter__(self) -> Self:
        thread = threading.Thread(target=self._accept, daemon=True)
        thread.start()
        self._threads.append(thread)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self.drop()
        for thread in self._threads:
            thread.join(_PATIENCE)

    def play(self, *steps: Step, early: bool = False) -> None:
        """Do this with every request from now on."""
        self._script = _Script(default=Answer(steps or (OK,), early))

    def play_paths(self, answers: Mapping[str, Answer]) -> None:
        """Answer these targets so, and all others with `OK`."""
        self._script = _Script(answers)

    def take(self) -> list[Received]:
        """The requests received whole since the last time."""
        with self._lock:
            taken, self._received = self._received, []
            self._begun = 0
            return taken

    def drop(self) -> None:
        """End every connection by FIN."""
        with self._lock:
            for sock in self._sockets.values():
                _shut(sock)

    @property
    def connections(self) -> int:
        """How many were ever accepted."""
        return self._accepted

    @property
    def open(self) -> int:
        """How many are open now."""
        return len(self._sockets)

    def wait_begun(self, count: int = 1) -> None:
        """Until that many request heads have come since the last `take`."""
        self._wait(lambda: self._begun >= count)

    def wait_closed(self) -> None:
        """Until no connection is open."""
        self._wait(lambda: not self._sockets)

    def _wait(self, so: Callable[[], bool]) -> None:
        with self._lock:
            assert self._lock.wait_for(so, _PATIENCE), "it did not come about"

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            if sock.family == socket.AF_INET:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._accepted += 1
                number = self._accepted
                self._sockets[number] = sock
            thread = threading.Thread(target=self._serve, args=(sock, number), daemon=True)
            thread.start()
            self._threads.append(thread)

    def _serve(self, sock: socket.socket, number: int) -> None:
        try:
            reader = _Reader(sock)
            while head := reader.until(b"\r\n\r\n"):
                answer = self._answer(head)
                with self._lock:
                    self._begun += 1
                    self._lock.notify_all()
                if answer.early and not self._play(sock, answer.steps):
                    break
                body, framing = reader.body(head)
                with self._lock:
                    self._received.append(Received(number, head, body, framing))
                if not answer.early and not self._play(sock, answer.steps):
                    break
        except OSError:
            pass  # the other side is gone, which is what some tests are about
        finally:
            with self._lock:
                del self._sockets[number]
                sock.close()
                self._lock.notify_all()

    def _answer(self, head: bytes) -> Answer:
        target = head.split(b" ", 2)[1].decode("latin-1")
        return self._script.answers.get(target, self._script.default)

    def _play(self, sock: socket.socket, steps: tuple[Step, ...]) -> bool:
        for step in steps:
            if isinstance(step, bytes):
                sock.sendall(step)
            elif isinstance(step, threading.Event):
                step.wait(_PATIENCE)
            elif step == "rst":
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
                return False
            elif step == "fin":
                return False
            else:
                while sock.recv(65536):
                    pass
                return False
        return True


class _Reader:
    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._data = b""

    def until(self, mark: bytes) -> bytes:
        while mark not in self._data:
            more = self._sock.recv(65536)
            if not more:
                return b""
            self._data += more
        found, self._data = self._data.split(mark, 1)
        return found + mark

    def exactly(self, size: int) -> bytes:
        pieces = [self._data[:size]]
        self._data = self._data[size:]
        left = size - len(pieces[0])
        while left:
            more = self._sock.recv(min(left, 1 << 20))
            if not more:
                raise ConnectionError
            pieces.append(more)
            left -= len(more)
        return b"".join(pieces)

    def body(self, head: bytes) -> tuple[bytes, str]:
        lines = head.lower().split(b"\r\n")
        for line in lines:
            if line.startswith(b"content-length: "):
                return self.exactly(int(line.split(b": ")[1])), "length"
        if b"transfer-encoding: chunked" not in lines:
            return b"", "none"
        body = b""
        while size := int(self._line(), 16):
            body += self.exactly(size)
            self.exactly(2)
        self._line()
        return body, "chunked"

    def _line(self) -> bytes:
        line = self.until(b"\r\n")
        if not line:
            raise ConnectionError
        return line


@contextmanager
def full(backlog: int = 0) -> Iterator[str]:
    """An address whose accept queue is full: a connect to it is not answered."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(backlog)
        host, port = listener.getsockname()
        for _ in range(backlog + 1):
            stack.enter_context(socket.create_connection((host, port)))
        # One more would be queued by some kernels: it stays half open.
        extra = stack.enter_context(socket.socket())
        extra.setblocking(False)
        extra.connect_ex((host, port))
        yield f"{host}:{port}"


def _shut(sock: socket.socket) -> None:
    try:
        sock.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
