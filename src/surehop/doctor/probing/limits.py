"""What a probe is going to send, said before; and a meter that lets nothing more through."""

import math
from collections.abc import Callable
from typing import NamedTuple

from surehop.doctor.facts import IPAddress
from surehop.doctor.probing.hop import Hop
from surehop.doctor.words import counted

METHODS = ("GET", "HEAD")
MOST_ADDRESSES = 16  # of one name
CONNECT_S = 3.0
ANSWER_S = 10.0
RESTING = 3  # connections left alone to see when they are closed
_BEYOND_S = 2  # what is watched longer than connections are kept
_SPARE_S = 30  # for everything but waiting on idle connections
# When requests are sent about the measured close: so many round trips before it, and so many
# seconds more. The nearest come first, since there may be time for some only.
SWEEP = (
    *((1, 0.0), (1, -0.005), (0, 0.002), (1, -0.001), (1, -0.02), (0.5, 0.0), (1, -0.002)),
    *((1, -0.01), (1, -0.05)),
)
# One look at what is offered, one that asks whether it is trusted.
_TLS = 2


class Asked(NamedTuple):
    """How much of a hop is wanted. `full` is false for servers of a configuration.

    `max_wait` is how long an idle connection is watched, in seconds; `chain` how many requests go
    over one connection; `crowd` how many connections are opened at once, 0 for none.
    """

    method: str = "GET"
    max_wait: float = 75.0
    chain: int = 10
    crowd: int = 0
    full: bool = True


class Announced(NamedTuple):
    """At most so much is sent, and for so long. `bodies` carry one byte each."""

    method: str
    connections: int
    requests: int
    bodies: int
    seconds: int

    def __str__(self) -> str:
        if not self.requests:
            return f"{counted(self.connections, 'connection')}, nothing sent, {self.seconds} s"
        body = ", one with `Expect: 100-continue` and a body of one byte," if self.bodies else ""
        return (
            f"{counted(self.requests, f'{self.method} request')}{body} over"
            f" {counted(self.connections, 'connection')}, for {self.seconds} s"
        )


def _nobody(_: str) -> None:
    pass


class Talk(NamedTuple):
    """Where a probe speaks: `say` what will be sent, before; `progress` while it waits."""

    say: Callable[[str], None] = _nobody
    progress: Callable[[str], None] = _nobody


def patience(hop: Hop, asked: Asked) -> float:
    """How long an idle connection is watched, in seconds: no longer than anybody keeps one."""
    if hop.idle_ms is None:
        return asked.max_wait
    if not hop.idle_ms:
        return 0
    return min(asked.max_wait, hop.idle_ms / 1000 + _BEYOND_S)


def announced(hop: Hop, asked: Asked, addresses: int) -> Announced:
    """Count what a probe may send."""
    tried = min(addresses, MOST_ADDRESSES) or 1  # a unix socket has none
    if not hop.talks:
        return Announced(asked.method, tried, 0, 0, _SPARE_S)
    tried += _TLS if hop.tls else 0
    wait = math.ceil(patience(hop, asked))
    if not asked.full:
        return Announced(asked.method, tried + 1, asked.chain, 0, wait + _SPARE_S)
    resting, sweep = (RESTING, len(SWEEP)) if wait else (0, 0)
    return Announced(
        asked.method,
        connections=tried + 2 + asked.crowd + resting + sweep,
        requests=asked.chain + 1 + asked.crowd + resting + 2 * sweep,
        bodies=1,
        seconds=2 * wait + _SPARE_S,
    )


class Job(NamedTuple):
    """A hop, the addresses of its name, and how much of it is wanted."""

    hop: Hop
    addresses: tuple[IPAddress, ...]
    asked: Asked

    @property
    def announced(self) -> Announced:
        return announced(self.hop, self.asked, len(self.addresses))


class Overspent(Exception):  # noqa: N818 (a fault of ours)
    """More would have been sent than was announced: never, or a bug."""


class Meter:
    """Counts what is sent, and refuses what was not announced."""

    def __init__(self, announced: Announced) -> None:
        self._announced = announced
        self.connections = 0
        self.requests = 0

    def connection(self) -> None:
        if self.connections == self._announced.connections:
            raise Overspent(f"a connection more than the {self.connections} announced")
        self.connections += 1

    def request(self) -> None:
        if self.requests == self._announced.requests:
            raise Overspent(f"a request more than the {self.requests} announced")
        self.requests += 1
