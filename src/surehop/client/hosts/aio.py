"""asyncio's loop turns the reactor, on its own thread; uvloop's does too."""

import asyncio
import weakref
from typing import Final

from surehop._core import Resolve, Transport
from surehop.client.hosts.host import Event
from surehop.client.hosts.resolve import addresses_of, code_of
from surehop.errors import CloseError

_COARSE: Final = 0.001  # seconds: timers are exact to the millisecond


class AioHost:
    """A transport in one loop."""

    is_async = True

    def __init__(self, transport: Transport, loop: asyncio.AbstractEventLoop) -> None:
        self.transport = transport
        self.loop = loop
        self._waiting: dict[int, asyncio.Future[Event]] = {}
        self._early: dict[int, Event] = {}  # came when nobody was waiting yet
        self._looking_up: dict[int, asyncio.Task[None]] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._when = 0.0
        self._called = False
        self._fd = transport.fileno()
        # The loop must not keep a client alive that everybody else has forgotten.
        me = weakref.ref(self)
        loop.add_reader(self._fd, _turn, me)
        self._me = me

    @property
    def busy(self) -> bool:
        return bool(self._waiting)

    async def next(self, ticket: int) -> Event:
        """What comes next for a request. Whatever interrupts the wait gives the request up."""
        while True:
            event = self.transport.take(ticket)
            if event is None:
                event = self._early.pop(ticket, None) if self._early else None
            if event is None:
                if self.transport.fileno() < 0:
                    raise CloseError("the client was closed under the request")
                future = self._waiting[ticket] = self.loop.create_future()
                self._watch()
                try:
                    event = await future
                except BaseException:
                    self.give_up(ticket)
                    raise
            if type(event) is not Resolve:
                if self._looking_up and ticket in self._looking_up:
                    self._looking_up.pop(ticket).cancel()
                return event
            # Its time may run out meanwhile, so the name is looked up beside.
            self._looking_up[ticket] = self.loop.create_task(
                self._look_up(ticket, event.host, event.port)
            )

    def give_up(self, ticket: int) -> None:
        self._waiting.pop(ticket, None)
        self._early.pop(ticket, None)
        if task := self._looking_up.pop(ticket, None):
            task.cancel()
        self.transport.cancel(ticket)
        self.transport.take(ticket)

    def leave(self) -> None:
        """Go out of the loop."""
        if self._timer:
            self._timer.cancel()
            self._timer = None
        if not self.loop.is_closed():
            self.loop.remove_reader(self._fd)

    def close(self) -> None:
        self.leave()
        self.transport.close()
        for future in self._waiting.values():
            if not future.done() and not self.loop.is_closed():
                future.set_exception(CloseError("the client was closed under the request"))
        self._waiting.clear()

    def __del__(self) -> None:
        try:
            self.leave()
        except (RuntimeError, AttributeError):  # the loop is another thread's, or half torn down
            return

    def turn(self) -> None:
        """Do what is ready, and hand out what came."""
        self._called = False
        waiting = self._waiting
        for ticket, event in self.transport.turn():
            future = waiting.pop(ticket, None)
            if future is None:
                self._early[ticket] = event
            elif not future.done():
                future.set_result(event)
        if waiting:
            self._watch()

    def _watch(self) -> None:
        """See to it that `turn` is called in time."""
        transport = self.transport
        if transport.due and not self._called:
            self._called = True
            self.loop.call_soon(_turn, self._me)
        wait = transport.timeout()
        if wait is None:
            return
        when = self.loop.time() + wait
        if self._timer is not None:
            # One that fires too early does no harm and is cheaper than another.
            if self._when <= when + _COARSE:
                return
            self._timer.cancel()
        self._when = when
        self._timer = self.loop.call_at(when, _ring, self._me)

    def ring(self) -> None:
        self._timer = None
        self.turn()

    async def _look_up(self, ticket: int, host: str, port: int) -> None:
        try:
            found = await self.loop.getaddrinfo(host, port, type=1)
        except (OSError, UnicodeError) as error:
            self.transport.resolved(ticket, [], code_of(error))
        else:
            self.transport.resolved(ticket, addresses_of(found), None)
        self._watch()


def _turn(me: "weakref.ref[AioHost]") -> None:
    host = me()
    if host is not None:
        host.turn()


def _ring(me: "weakref.ref[AioHost]") -> None:
    host = me()
    if host is not None:
        host.ring()
