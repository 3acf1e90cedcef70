"""An origin in an event loop: its listeners, its connections, its counts."""

import asyncio
import contextlib
import itertools
import os
import socket
import time
from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from surehop.lab.origins.behaviour import CLOSES, Behaviour
from surehop.lab.origins.connection import Connection
from surehop.lab.origins.request import Request
from surehop.lab.ports import Port

_REMEMBERED = 20_000


@dataclass(frozen=True, slots=True)
class Delivery:
    """A request that reached the origin, answered or not. `at` is Unix time, `nth` from 1."""

    at: float
    connection: int
    nth: int
    method: str
    path: str
    id: str
    fault: str | None


@dataclass(frozen=True, slots=True)
class Stats:
    """What an origin has seen since it started or was reset."""

    requests: int  # delivered, answered or not
    connections: int  # accepted
    open: int  # now
    turned_away: int  # by max_connections
    faults: int  # requests that met one
    paths: dict[str, int]
    ids: dict[str, int]  # by X-Request-Id
    deliveries: tuple[Delivery, ...]  # the last 20,000


class Server:
    """One origin. Everything here happens on its loop's thread."""

    def __init__(self, behaviour: Behaviour, *, port: int = 0, unix: str | None = None) -> None:
        self.behaviour = behaviour
        self._started_as = behaviour
        self._left = [fault.times for fault in behaviour.faults]
        self._unix = unix
        self._port = Port(port)
        self._listening: dict[str, asyncio.Server] = {}
        self._open = 0
        self._connections: set[Connection] = set()
        self._numbers = itertools.count(1)
        self._forget()

    @property
    def port(self) -> int:
        return self._port.number

    @property
    def addresses(self) -> list[str]:
        """Where it listens now, as an nginx `server` line would say it."""
        return [
            f"unix:{self._unix}" if family == "unix" else self._port.address(family)
            for family in self._listening
        ]

    async def start(self) -> None:
        if self._unix:
            sock = socket.socket(socket.AF_UNIX)
            sock.bind(self._unix)
            self._listening["unix"] = await self._serve(sock)
        await self._listen()

    async def stop(self) -> None:
        """Close every socket, and wait until they are closed."""
        for family in list(self._listening):
            self._listening.pop(family).close()
        for connection in list(self._connections):
            connection.close("rst")
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # aborted transports close their sockets in the next turn
        self._port.close()
        if self._unix:
            os.unlink(self._unix)  # noqa: PTH108  no disk is waited for

    async def change(self, changes: Mapping[str, Any]) -> None:
        """Behave otherwise from now on. Naming `faults` starts their counts anew."""
        self.behaviour = self.behaviour.changed(changes)
        if "faults" in changes:
            self._left = [fault.times for fault in self.behaviour.faults]
        await self._listen()

    async def reset(self) -> None:
        """Behave as at the start, and count from zero."""
        self.behaviour = self._started_as
        self._left = [fault.times for fault in self.behaviour.faults]
        self._forget()
        await self._listen()

    def close_idle(self, how: str) -> int:
        """Close the connections that wait for a request; how many there were."""
        if how not in CLOSES:
            raise ValueError(f"a connection is closed by {' or '.join(CLOSES)}, not `{how}`")
        idle = [c for c in self._connections if c.idle]
        for connection in idle:
            connection.close(how)
        return len(idle)

    def stats(self) -> Stats:
        return Stats(
            requests=self._requests,
            connections=self._accepted,
            open=self._open,
            turned_away=self._turned_away,
            faults=self._faults,
            paths=dict(self._paths),
            ids=dict(self._ids),
            deliveries=tuple(self._deliveries),
        )

    def arrived(self, connection: Connection, request: Request) -> str | None:
        fault = self._fault(connection.requests, request.method, request.path)
        name = next(iter(request.values("x-request-id")), "")
        self._requests += 1
        self._faults += fault is not None
        self._paths[request.path] += 1
        if name:
            self._ids[name] += 1
        self._deliveries.append(
            Delivery(
                time.time(),
                connection.number,
                connection.requests,
                request.method,
                request.path,
                name,
                fault,
            )
        )
        return fault

    def admits(self) -> bool:
        """Whether one connection more is within max_connections; counts it."""
        limit = self.behaviour.max_connections
        if limit and self._open >= limit:
            self._turned_away += 1
            return False
        self._accepted += 1
        self._open += 1
        return True

    def left(self) -> None:
        """A connection that was admitted has closed."""
        self._open -= 1

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection = Connection(self, next(self._numbers), reader, writer)
        self._connections.add(connection)
        try:
            await connection.serve()
        finally:
            self._connections.discard(connection)

    def _fault(self, nth: int, method: str, path: str) -> str | None:
        for index, fault in enumerate(self.behaviour.faults):
            left = self._left[index]
            if left != 0 and fault.meets(nth, method, path):
                if left is not None:
                    self._left[index] = left - 1
                return fault.kind
        return None

    def _forget(self) -> None:
        self._requests = self._accepted = self._turned_away = self._faults = 0
        self._paths: Counter[str] = Counter()
        self._ids: Counter[str] = Counter()
        self._deliveries: deque[Delivery] = deque(maxlen=_REMEMBERED)

    async def _listen(self) -> None:
        """Listen on the families that the behaviour names, and on no other."""
        wanted = {"both": {"ipv4", "ipv6"}, "none": set()}.get(
            self.behaviour.listen, {self.behaviour.listen}
        )
        for family in ("ipv4", "ipv6"):
            if family in wanted and family not in self._listening:
                self._listening[family] = await self._serve(self._port.listener(family))
            elif family not in wanted and family in self._listening:
                self._listening.pop(family).close()

    async def _serve(self, sock: socket.socket) -> asyncio.Server:
        sock.setblocking(False)
        loop = asyncio.get_running_loop()
        if sock.family == socket.AF_UNIX:
            return await loop.create_unix_server(lambda: _Door(self), sock=sock, backlog=512)
        return await loop.create_server(lambda: _Door(self), sock=sock, backlog=512)


class _Door(asyncio.StreamReaderProtocol):
    """Turns connections away before anything of them is read, as Node does."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._admitted = False
        super().__init__(asyncio.StreamReader(), self._serve)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self._server.admits():
            self._admitted = True
            super().connection_made(transport)
        elif isinstance(transport, asyncio.WriteTransport):
            transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._admitted:
            self._server.left()
        super().connection_lost(exc)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # Only the origin's end cancels a connection, and asyncio would print each as an error.
        with contextlib.suppress(asyncio.CancelledError):
            await self._server.serve(reader, writer)
