"""What a host is to those who wait."""

from typing import Protocol, TypeAlias

from surehop._core import Answer, Ask, Failure, Feed, Resolve, Transport

# A part of a streamed body is bytes; empty ones are its end.
Event: TypeAlias = Answer | Failure | Ask | Resolve | Feed | bytes


class Host(Protocol):
    """Who turns the reactor, and waits."""

    is_async: bool
    transport: Transport

    async def next(self, ticket: int) -> Event:
        """What comes next for a request. Whatever interrupts the wait gives the request up."""

    def give_up(self, ticket: int) -> None:
        """Nobody wants the rest of it."""
