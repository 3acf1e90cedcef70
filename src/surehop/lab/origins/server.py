"""An origin in an event loop: its listeners, its connections, its counts."""

import asyncio
import itertools
import os
import socket
import time
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from surehop.lab.origins.behaviour import CLOSES, Behaviour
from surehop.lab.origins.connection import Connection
from surehop.lab.origins.faults import Fault
from surehop.lab.origins.inbox import Arrivals
from surehop.lab.origins.listening import Listener
from surehop.lab.origins.overlay import laid_over
from surehop.lab.origins.request import Request
from surehop.lab.ports import HOSTS, Port
from surehop.lab.sockets import reset_on_close
from surehop.lab.toxics import Toxic

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
class Closing:
    """Who ended a connection first, as the origin saw it: `by` `client` or `server`, `how` by
    `fin` or `rst`. `connection` is 0 for one that was turned away.
    """

    at: float
    connection: int
    by: str
    how: str


@dataclass(frozen=True, slots=True)
class Stats:
    """What an origin has seen since it started or was reset."""

    requests: int  # delivered, answered or not
    connections: int  # accepted
    open: int  # now
    turned_away: int  # by max_connections
    faults: int  # how often one was met
    paths: dict[str, int]
    ids: dict[str, int]  # by X-Request-Id
    deliveries: tuple[Delivery, ...]  # the last 20,000
    closings: tuple[Closing, ...]  # the same


class Server:
    """One origin. Everything here happens on its loop's thread.

    hosts: an address for each family to listen on; loopback's, unless told.
    """

    def __init__(
        self,
        behaviour: Behaviour,
        *,
        port: int = 0,
        unix: str | None = None,
        hosts: Mapping[str, str] = HOSTS,
    ) -> None:
        self.behaviour = behaviour  # with what toxics lay over it
        self.toxics: Sequence[Toxic] = ()
        self.changed = asyncio.Event()  # set, and another in its place, when toxics change
        self.opened = time.monotonic()
        self._base = self._started_as = behaviour
        self._paused = False
        self._unix = unix
        self._port = Port(port, hosts)
        self._listening: dict[str, Listener] = {}
        self._open = 0
        self._connections: set[Connection] = set()
        self._tasks: set[asyncio.Task[Any]] = set()
        self.opening: set[asyncio.Task[None]] = set()
        self.transports: set[asyncio.WriteTransport] = set()
        self._numbers = itertools.count(1)
        self._left = [fault.times for fault in behaviour.faults]
        self.random = Random(behaviour.seed)  # noqa: S311  nothing secret
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
            self._listening["unix"] = self._listener(sock)
        self._listen()

    async def stop(self) -> None:
        """Close every socket, and wait until they are closed."""
        for family in list(self._listening):
            self._listening.pop(family).close()
        await asyncio.gather(*self.opening)
        for transport in list(self.transports):
            reset_on_close(transport.get_extra_info("socket"))
            transport.abort()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.sleep(0)  # aborted transports close their sockets in the next turn
        self._port.close()
        if self._unix:
            os.unlink(self._unix)  # noqa: PTH108  no disk is waited for

    async def change(self, changes: Mapping[str, Any]) -> None:
        """Behave otherwise from now on. Naming `faults` starts their counts anew."""
        base = self._base.changed(changes)
        self._behave(base, self.toxics, afresh=bool({"faults", "profile", "seed"} & set(changes)))

    async def reset(self) -> None:
        """Behave as at the start, and count from zero."""
        self._forget()
        self._behave(self._started_as, self.toxics, afresh=True)

    def lay(self, toxics: Sequence[Toxic]) -> None:
        """Have these toxics from now on; ToxicError where one can't be had."""
        self._behave(self._base, tuple(toxics), afresh=False)
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()

    @property
    def enabled(self) -> bool:
        return not self._paused and bool(self._listening)

    @property
    def place(self) -> str:
        """Where it listens, or will."""
        wanted = self._base.listen
        family = wanted if wanted in self._port.families else self._port.families[0]
        return self._port.address(family)

    @property
    def upstream(self) -> str:
        """What stands for an upstream, in toxiproxy's vocabulary."""
        return f"lab:{self._base.profile}"

    async def pause(self) -> None:
        """Refuse, and drop every connection."""
        self._paused = True
        self._listen()
        for connection in list(self._connections):
            connection.close("fin")

    async def resume(self) -> None:
        """Listen, as at the start and behind a pause."""
        self._paused = False
        self._make_room()
        self._listen()

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
            closings=tuple(self._closings),
        )

    def begun(self, connection: Connection) -> Fault | None:
        return self._fault(("bytes",), connection.requests)

    def arrived(self, connection: Connection, request: Request) -> Fault | None:
        points = ("request", "head", "body")
        fault = self._fault(points, connection.requests, request.method, request.path)
        name = next(iter(request.values("x-request-id")), "")
        self._requests += 1
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
                fault.kind if fault else None,
            )
        )
        return fault

    @property
    def crowded(self) -> bool:
        limit = self.behaviour.max_connections
        return bool(limit) and self._open >= limit

    def admit(self, sock: socket.socket) -> tuple[bool, Fault | None]:
        """Whether an accepted connection is let in, and what it meets there; counts it."""
        if self.behaviour.turn_away or (self.crowded and self.behaviour.manner.over == "fin"):
            self._turned_away += 1
            self._closed(0, ("server", "fin"))
            return False, None
        self._accepted += 1
        fault = self._fault(("accept",), 1)
        if fault and fault.kind in CLOSES:
            if fault.kind == "rst":
                reset_on_close(sock)
            self._closed(0, ("server", fault.kind))
            return False, fault
        self._open += 1
        self._make_room()
        return True, fault

    def left(self) -> None:
        """A connection that was admitted has closed."""
        self._open -= 1
        self._make_room()

    async def serve(
        self, reader: Arrivals, writer: asyncio.StreamWriter, met: Fault | None
    ) -> None:
        self.keep(asyncio.current_task())
        connection = Connection(self, next(self._numbers), reader, writer)
        self._connections.add(connection)
        try:
            await connection.serve(met)
        finally:
            self._connections.discard(connection)
            if connection.ended:
                self._closed(connection.number, connection.ended)

    def keep(self, task: asyncio.Task[Any] | None) -> None:
        """Cancel this task too when the origin stops."""
        if task:
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    def _fault(
        self, points: tuple[str, ...], nth: int, method: str | None = None, path: str | None = None
    ) -> Fault | None:
        """The first fault that is for this, with its luck; counts it."""
        for index, fault in enumerate(self.behaviour.faults):
            left = self._left[index]
            if left == 0 or fault.point not in points or not fault.meets(nth, method, path):
                continue
            if fault.share >= 1 or self.random.random() < fault.share:
                if left is not None:
                    self._left[index] = left - 1
                self._faults += 1
                return fault
        return None

    def _behave(self, base: Behaviour, toxics: Sequence[Toxic], *, afresh: bool) -> None:
        laid = laid_over(base, toxics)
        known = zip(self.behaviour.faults, self._left, strict=True)
        left = {} if afresh else dict(known)
        self._base, self.toxics, self.behaviour = base, toxics, laid
        if afresh:
            self.random = Random(laid.seed)  # noqa: S311  nothing secret
        self._left = [left.get(fault, fault.times) for fault in laid.faults]
        self._make_room()
        self._listen()

    def _forget(self) -> None:
        self._requests = self._accepted = self._turned_away = self._faults = 0
        self._paths: Counter[str] = Counter()
        self._ids: Counter[str] = Counter()
        self._deliveries: deque[Delivery] = deque(maxlen=_REMEMBERED)
        self._closings: deque[Closing] = deque(maxlen=_REMEMBERED)

    def _closed(self, connection: int, ended: tuple[str, str]) -> None:
        self._closings.append(Closing(time.time(), connection, *ended))

    @property
    def has_room(self) -> bool:
        """Whether one more is accepted, if only to be closed."""
        return not (self.crowded and self.behaviour.manner.over == "wait")

    def _make_room(self) -> None:
        for listener in list(self._listening.values()):
            listener.attend()

    def _listen(self) -> None:
        """Listen on the families that the behaviour names, and on no other."""
        wanted = {"both": {"ipv4", "ipv6"}, "none": set()}.get(
            self.behaviour.listen, {self.behaviour.listen}
        )
        if self._paused:
            wanted = set()
        for family in self._port.families:
            if family in wanted and family not in self._listening:
                sock = self._port.listener(family, self.behaviour.backlog)
                self._listening[family] = self._listener(sock)
            elif family not in wanted and family in self._listening:
                self._listening.pop(family).close()

    def _listener(self, sock: socket.socket) -> Listener:
        if sock.family == socket.AF_UNIX:
            sock.listen(self.behaviour.backlog)
        return Listener(self, sock)
