"""A client's connection and the one made for it: bytes and ends are passed on as they come."""

import errno
import socket
import time
from collections.abc import Callable
from select import EPOLLERR, EPOLLHUP, EPOLLIN, EPOLLOUT
from typing import Protocol

from surehop.lab.tap.address import Address, named
from surehop.lab.tap.conversation import Conversation
from surehop.lab.tap.half import Half
from surehop.lab.tap.names import Answer, errno_name, why
from surehop.lab.tap.record import Connection, Ending, Exchange, How, Moment, Side, Try

_LINGER = 1.0  # seconds until what is not taken before a reset is given up
_LOOK_AGAIN = 0.001
_BROKEN = EPOLLERR | EPOLLHUP


class Watcher:
    """Hears what happens; each method may be overridden."""

    def connected(self, record: Connection) -> None:
        """The upstream took the connection, or none of its addresses did."""

    def exchanged(self, record: Connection, exchange: Exchange) -> None:
        """A request was answered, or never will be."""

    def ended(self, record: Connection, ending: Ending) -> None:
        """One side ended."""

    def closed(self, record: Connection) -> None:
        """All is over."""


class Loop(Protocol):
    """What a link wants of who runs it."""

    watcher: Watcher
    connect_timeout: float

    def watch(self, half: Half, ready: Callable[[int], None]) -> None: ...
    def want(self, half: Half, mask: int) -> None: ...
    def forget(self, half: Half) -> None: ...
    def after(self, seconds: float, call: Callable[[], None]) -> None: ...
    def done(self, link: "Link") -> None: ...


class Link:
    """`record` is what it has seen so far."""

    def __init__(self, loop: Loop, client: socket.socket, record: Connection) -> None:
        self.record = record
        self._loop = loop
        self._client = Half(client)
        self._upstream: Half | None = None
        self._over = False
        self._dying: Half | None = None  # gets a RST as soon as it has all that was before it
        self._deadline = 0.0
        self._addresses: list[Address] = []
        self._connecting: tuple[Address, float] | None = None
        self._talk = Conversation(record, self._exchanged)
        loop.watch(self._client, self._client_ready)

    def connect(self, answer: Answer) -> None:
        """Connect to the first address that takes it."""
        if self._over:
            return
        if isinstance(answer, OSError):
            self.record.resolve_error = why(answer)
            self._unreachable(why(answer))
            return
        self._addresses = list(answer)
        self._next()

    def close(self) -> None:
        """The tap ends, and with it the connection."""
        if not self._over:
            self._ending(Side.TAP, How.FIN, None)
            self._finish()

    def _at(self) -> float:
        return time.monotonic() - self.record.started

    def _next(self) -> None:
        while self._addresses:
            address = self._addresses.pop(0)
            begun = self._at()
            try:
                sock = socket.socket(address.family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
            except OSError as error:
                self._tried(address, error.errno, begun)
                continue
            number = sock.connect_ex(address.sockaddr)
            self._upstream = Half(sock)
            self._connecting = (address, begun)
            if number == 0:
                self._connected()
                return
            if number == errno.EINPROGRESS:
                self._loop.watch(self._upstream, self._upstream_ready)
                self._loop.want(self._upstream, EPOLLOUT)
                self._loop.after(self._loop.connect_timeout, self._give_up(self._upstream))
                return
            self._tried(address, number, begun)
            self._drop_upstream()
        self._unreachable(self.record.tries[-1].error or "")

    def _give_up(self, half: Half) -> Callable[[], None]:
        def late() -> None:
            if self._connecting and self._upstream is half and not self._over:
                self._connect_failed(errno.ETIMEDOUT)

        return late

    def _tried(self, address: Address, number: int | None, begun: float) -> None:
        error = errno_name(number) if number else None
        self.record.tries.append(Try(address.name, error, self._at() - begun))

    def _connect_failed(self, number: int) -> None:
        if self._connecting:
            address, begun = self._connecting
            self._tried(address, number, begun)
            self._drop_upstream()
            self._next()

    def _drop_upstream(self) -> None:
        if self._upstream:
            self._loop.forget(self._upstream)
            self._upstream.close()
        self._upstream = self._connecting = None

    def _connected(self) -> None:
        if not self._upstream or not self._connecting:
            return
        address, begun = self._connecting
        self._connecting = None
        sock, record = self._upstream.sock, self.record
        self._tried(address, None, begun)
        record.upstream, record.connected = address.name, self._at()
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            record.local = named(sock.getsockname())
        self._loop.watch(self._upstream, self._upstream_ready)
        self._loop.watcher.connected(record)
        self._settle()

    def _unreachable(self, error: str) -> None:
        self._loop.watcher.connected(self.record)
        self._ending(Side.UPSTREAM, How.FAILED, error)
        self._die(self._client)

    def _client_ready(self, events: int) -> None:
        if not self._upstream or self._connecting:
            if events & _BROKEN:
                self._client.look()
                self._broken(self._client, Side.CLIENT)
            return
        self._ready(self._client, self._upstream, Side.CLIENT, events)

    def _upstream_ready(self, events: int) -> None:
        if not self._upstream:
            return
        if self._connecting:
            self._upstream.look()
            if self._upstream.error is None:
                self._connected()
            else:
                self._connect_failed(self._upstream.error)
            return
        self._ready(self._upstream, self._client, Side.UPSTREAM, events)

    def _ready(self, half: Half, other: Half, side: Side, events: int) -> None:
        if self._dying is not None:
            self._kill()
            return
        if events & EPOLLOUT:
            half.flush()
        if events & EPOLLIN and half.error is None:
            self._pump(half, other, side)
        if events & _BROKEN and not self._over and half.error is None:
            # Whatever came before the reset is still there to be read.
            while not half.finished and self._pump(half, other, side):
                pass
            half.look()
            if half.error is None and half.finished:
                self._loop.forget(half)
        if half.error is not None and not self._over and self._dying is None:
            self._broken(half, side)
        if other.error is not None and not self._over and self._dying is None:
            other_side = Side.UPSTREAM if side is Side.CLIENT else Side.CLIENT
            self._drain(other, half, other_side)
            self._broken(other, other_side)
        self._settle()

    def _pump(self, half: Half, other: Half, side: Side) -> bool:
        """Carry one piece across; whether there was one."""
        data = half.read()
        if data:
            self._carry(data, other, side)
            return True
        if data is not None:
            self._ending(side, How.FIN, None)
            other.finish()
        return False

    def _carry(self, data: bytes, other: Half, side: Side) -> None:
        other.write(data)
        at = self._at()
        if side is Side.CLIENT:
            self.record.bytes_up += len(data)
            self._talk.from_client(data, at)
        else:
            self.record.bytes_down += len(data)
            self._talk.from_upstream(data, at)

    def _drain(self, half: Half, other: Half, side: Side) -> None:
        """Carry across what it had sent before writing to it failed."""
        while not half.finished and (data := half.read()):
            self._carry(data, other, side)

    def _broken(self, half: Half, side: Side) -> None:
        number = half.error or errno.ECONNRESET
        half.fail(number)
        how = How.RST if half.was_reset else How.FAILED
        if number == errno.ETIMEDOUT:
            how = How.TIMED_OUT
        self._ending(side, how, errno_name(number))
        self.record.lost += len(half.pending)
        self._loop.forget(half)
        other = self._upstream if half is self._client else self._client
        if other is None or self._connecting:
            self._finish()
        else:
            self._die(other)

    def _die(self, half: Half) -> None:
        self._dying = half
        self._deadline = time.monotonic() + _LINGER
        self._kill()

    def _kill(self) -> None:
        """Reset it once it has all that was sent before."""
        half = self._dying
        if half is None or self._over:
            return
        half.flush()
        half.look()
        left = len(half.pending) + half.unsent()
        if left and half.error is None and time.monotonic() < self._deadline:
            self._loop.want(half, 0)
            self._loop.after(_LOOK_AGAIN, self._kill)
            return
        self.record.lost += left
        self._finish(half)

    def _settle(self) -> None:
        upstream, client = self._upstream, self._client
        if self._over or self._dying or upstream is None or self._connecting:
            return
        if client.finished and upstream.finished and client.shut and upstream.shut:
            self._finish()
            return
        for half, other in ((client, upstream), (upstream, client)):
            mask = 0 if half.finished or other.pending else EPOLLIN
            self._loop.want(half, mask | EPOLLOUT if half.pending else mask)

    def _ending(self, side: Side, how: How, error: str | None) -> None:
        at, record = self._at(), self.record
        if side is Side.UPSTREAM:
            self._talk.upstream_fin(at) if how is How.FIN else self._talk.upstream_gone()
        moment = Moment.CONNECTING if record.connected is None else self._talk.moment()
        ending = Ending(
            side,
            how,
            at,
            moment,
            self._talk.number(),
            self._talk.rested(at),
            record.bytes_up,
            record.bytes_down,
            error,
        )
        record.endings.append(ending)
        self._loop.watcher.ended(record, ending)

    def _exchanged(self, exchange: Exchange) -> None:
        self._loop.watcher.exchanged(self.record, exchange)

    def _finish(self, reset: Half | None = None) -> None:
        """Close both; `reset` is closed with RST."""
        self._over = True
        self._talk.end()
        self.record.ended = self._at()
        for half in (self._client, self._upstream):
            if half is not None:
                self._loop.forget(half)
                half.abort() if half is reset else half.close()
        self._loop.done(self)
        self._loop.watcher.closed(self.record)
