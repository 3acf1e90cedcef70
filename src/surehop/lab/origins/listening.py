"""How connections come in: accepted while there is room, admitted or not, kept until lost."""

import asyncio
import contextlib
import socket
from typing import Protocol

from surehop.lab.origins.faults import Fault
from surehop.lab.origins.inbox import Arrivals

_PAUSE = 0.05  # seconds
_AT_ONCE = 64


class Host(Protocol):
    """Whose connections they are."""

    opening: set[asyncio.Task[None]]  # connections that have no transport yet
    transports: set[asyncio.WriteTransport]

    @property
    def has_room(self) -> bool:
        """Whether one more is accepted, if only to be closed."""

    def admit(self, sock: socket.socket) -> tuple[bool, Fault | None]:
        """Whether an accepted connection is let in, and what it meets there; counts it."""

    def left(self) -> None:
        """A connection that was admitted has closed."""

    async def serve(
        self, reader: Arrivals, writer: asyncio.StreamWriter, met: Fault | None
    ) -> None: ...


class Listener:
    """Accepts, while there is room."""

    def __init__(self, server: Host, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._loop = asyncio.get_running_loop()
        self._server = server
        self._sock = sock
        self._watched = False
        self.attend()

    def close(self) -> None:
        self._ignore()
        self._sock.close()

    def attend(self) -> None:
        """Accept if there is room, else leave who comes in the backlog."""
        if not self._server.has_room:
            self._ignore()
        elif not self._watched and self._sock.fileno() >= 0:
            self._loop.add_reader(self._sock.fileno(), self._accept)
            self._watched = True

    def _ignore(self) -> None:
        if self._watched:
            self._loop.remove_reader(self._sock.fileno())
            self._watched = False

    def _accept(self) -> None:
        # Several at a time: a turn of the loop for each would keep a crowd waiting.
        for _ in range(_AT_ONCE):
            if not self._watched:
                return
            try:
                sock, _ = self._sock.accept()
            except BlockingIOError:
                return
            except OSError:  # the process has no descriptor left, or the client is gone again
                self._ignore()
                self._loop.call_later(_PAUSE, self.attend)
                return
            self._take(sock)

    def _take(self, sock: socket.socket) -> None:
        sock.setblocking(False)
        admitted, met = self._server.admit(sock)
        if admitted:
            task = asyncio.create_task(self._open(sock, met))
            self._server.opening.add(task)
            task.add_done_callback(self._server.opening.discard)
        else:
            sock.close()

    async def _open(self, sock: socket.socket, met: Fault | None) -> None:
        with contextlib.suppress(OSError):
            await self._loop.connect_accepted_socket(lambda: _Door(self._server, met), sock)


class _Door(asyncio.StreamReaderProtocol):
    """One admitted connection, until it is lost."""

    def __init__(self, server: Host, met: Fault | None) -> None:
        self._server = server
        self._met = met
        self._reader = Arrivals()
        super().__init__(self._reader, self._serve)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if isinstance(transport, asyncio.WriteTransport):
            self._way = transport
            self._server.transports.add(transport)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self._server.transports.discard(self._way)
        self._server.left()
        super().connection_lost(exc)

    async def _serve(self, _: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Only the origin's end cancels a connection, and asyncio would print each as an error.
        with contextlib.suppress(asyncio.CancelledError):
            await self._server.serve(self._reader, writer, self._met)
