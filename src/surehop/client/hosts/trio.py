"""trio turns the reactor: one of the tasks that wait does it for all."""

import math
import socket

import trio

from surehop._core import Resolve, Transport
from surehop.client.hosts.host import Event
from surehop.client.hosts.resolve import addresses_of, code_of
from surehop.errors import CloseError


class TrioHost:
    """A transport in one run of trio."""

    is_async = True

    def __init__(self, transport: Transport, token: object) -> None:
        self.transport = transport
        self.loop = token
        self._waiting: dict[int, trio.Event] = {}
        self._early: dict[int, Event] = {}
        self._leader: int | None = None
        self._nap = trio.CancelScope()

    @property
    def busy(self) -> bool:
        return bool(self._waiting)

    async def next(self, ticket: int) -> Event:
        """What comes next for a request. Whatever interrupts the wait gives the request up."""
        try:
            event = await self._event(ticket)
            while type(event) is Resolve:
                event = await self._while_looking_up(ticket, event)
        except BaseException:
            self.give_up(ticket)
            raise
        return event

    def give_up(self, ticket: int) -> None:
        self._waiting.pop(ticket, None)
        self._early.pop(ticket, None)
        self.transport.cancel(ticket)
        self.transport.take(ticket)

    def leave(self) -> None:
        """Nothing of it stays in trio's loop."""

    def close(self) -> None:
        self.transport.close()
        self._nap.cancel()
        for one in self._waiting.values():
            one.set()

    async def _event(self, ticket: int) -> Event:
        event = self.transport.take(ticket)
        if event is not None:
            return event
        called = self._waiting[ticket] = trio.Event()
        self._look()
        try:
            while ticket not in self._early:
                if self.transport.fileno() < 0:
                    raise CloseError("the client was closed under the request")
                if self._leader is None:
                    await self._lead(ticket)
                else:
                    await called.wait()
                    called = trio.Event()
                    if ticket in self._waiting:
                        self._waiting[ticket] = called
        finally:
            self._waiting.pop(ticket, None)
            if self._leader is None and self._waiting:
                next(iter(self._waiting.values())).set()  # somebody has to lead
        return self._early.pop(ticket)

    async def _lead(self, ticket: int) -> None:
        self._leader = ticket
        try:
            while ticket not in self._early and self.transport.fileno() >= 0:
                self._nap = trio.CancelScope(deadline=self._deadline())
                with self._nap:
                    await trio.lowlevel.wait_readable(self.transport.fileno())
                self._turn()
        finally:
            self._leader = None

    def _deadline(self) -> float:
        wait = self.transport.timeout()
        return math.inf if wait is None else trio.current_time() + wait

    def _turn(self) -> None:
        for ticket, event in self.transport.turn():
            self._early[ticket] = event
            if ticket == self._leader:
                self._nap.cancel()
            elif (called := self._waiting.get(ticket)) is not None:
                called.set()

    def _look(self) -> None:
        """Something was asked for: the leader may have to wake sooner, or others at once."""
        if self.transport.due:
            self._turn()
        if self._leader is not None:
            self._nap.deadline = min(self._nap.deadline, self._deadline())

    async def _while_looking_up(self, ticket: int, wanted: Resolve) -> Event:
        """Look a name up; its time may run out meanwhile, so it is looked up beside."""
        scope = trio.CancelScope()
        # No nursery: an error of this request is to come out as it is, not in a group.
        trio.lowlevel.spawn_system_task(self._look_up, scope, ticket, wanted.host, wanted.port)
        try:
            return await self._event(ticket)
        finally:
            scope.cancel()

    async def _look_up(self, scope: trio.CancelScope, ticket: int, host: str, port: int) -> None:
        with scope:
            try:
                found = await trio.socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
            except (OSError, UnicodeError) as error:
                self.transport.resolved(ticket, [], code_of(error))
            else:
                self.transport.resolved(ticket, addresses_of(found), None)
            self._look()
