"""The caller's thread turns the reactor; whoever waits first turns it for all."""

from surehop._core import Resolve, Transport
from surehop.client.hosts.host import Event
from surehop.client.hosts.resolve import resolve
from surehop.errors import CloseError


class SyncHost:
    """Its coroutines never suspend."""

    is_async = False

    def __init__(self, transport: Transport) -> None:
        self.transport = transport

    async def next(self, ticket: int) -> Event:
        """What comes next for a request. Whatever interrupts the wait gives the request up."""
        transport = self.transport
        try:
            while type(event := transport.wait(ticket)) is Resolve:
                transport.resolved(ticket, *resolve(event.host, event.port))
        except BaseException as error:
            # A signal's handler may have raised it.
            transport.cancel(ticket)
            if isinstance(error, RuntimeError) and transport.fileno() < 0:
                raise CloseError("the client was closed under the request") from None
            raise
        return event

    def give_up(self, ticket: int) -> None:
        self.transport.cancel(ticket)

    def close(self) -> None:
        self.transport.close()
