"""What a tap has seen of a connection. Times are seconds since it was accepted."""

from collections import deque
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

# What is kept in memory of one connection; lines of JSON tell everything.
KEPT = 100


class Side(StrEnum):
    CLIENT = "client"
    UPSTREAM = "upstream"
    TAP = "tap"


class How(StrEnum):
    """How a side ended its half: the first two are on the wire, the third is the system's."""

    FIN = "fin"
    RST = "rst"
    TIMED_OUT = "timed_out"
    FAILED = "failed"


class Moment(StrEnum):
    """What the connection was doing."""

    CONNECTING = "connecting"
    FRESH = "fresh"  # no request yet
    REQUEST = "request"  # a request is being sent, no byte of an answer yet
    WAITING = "waiting"  # a request is sent, no byte of an answer yet
    RESPONSE = "response"  # part of an answer is there
    IDLE = "idle"  # all answered
    OPAQUE = "opaque"  # not HTTP/1: nothing is known but bytes


# Whoever ends a connection then leaves somebody without an answer.
BUSY = (Moment.REQUEST, Moment.WAITING, Moment.RESPONSE)


@dataclass(slots=True)
class Try:
    """An address that was connected to. `error` is the system's name, None where it worked."""

    address: str
    error: str | None
    took: float


@dataclass(slots=True)
class Exchange:
    """One request and its answer; `number` counts from 1 on its connection.

    `begun`, `sent`: its first and last byte; `head`, `ended`: those of the answer; None if never
    seen. `idle`: how long the connection had rested before it, None for the first. `interim`: how
    many 1xx answers came. `late`: the upstream had ended its half before. `hint` is what it said in
    `Keep-Alive`, `closing` who said `Connection: close`.
    """

    number: int
    method: str
    target: str
    begun: float
    idle: float | None = None
    late: bool = False
    sent: float | None = None
    head: float | None = None
    ended: float | None = None
    status: int | None = None
    interim: int = 0
    hint: str | None = None
    closing: str | None = None
    request_bytes: int = 0
    response_bytes: int = 0


@dataclass(slots=True)
class Ending:
    """One side's end: FIN is for one direction, RST for both; a FIN may be followed by a RST.

    `request` is the one under way, or the last before it (0: none). `idle` is how long nothing
    had been under way, None if something was. Bytes are those relayed until then.
    """

    side: Side
    how: How
    at: float
    moment: Moment
    request: int
    idle: float | None
    bytes_up: int
    bytes_down: int
    error: str | None = None


@dataclass(slots=True)
class Burst:
    """Bytes one way without any the other way between, where no HTTP is understood."""

    side: Side
    begun: float
    ended: float
    size: int


@dataclass(slots=True)
class Connection:
    """One client's connection and the one made for it. `started` is monotonic, in seconds.

    `bytes_up` went to the upstream, `bytes_down` to the client. `opaque` says why no HTTP was
    understood. `lost` are bytes that one side sent and the other could not be given any more.
    """

    number: int
    client: str
    started: float
    upstream: str | None = None
    local: str | None = None
    client_local: str | None = None
    connected: float | None = None
    resolve_error: str | None = None
    tries: list[Try] = field(default_factory=list)
    exchanges: deque[Exchange] = field(default_factory=lambda: deque(maxlen=KEPT))
    bursts: deque[Burst] = field(default_factory=lambda: deque(maxlen=KEPT))
    requests: int = 0
    responses: int = 0
    endings: list[Ending] = field(default_factory=list)
    opaque: str | None = None
    bytes_up: int = 0
    bytes_down: int = 0
    lost: int = 0
    ended: float | None = None

    @property
    def failed(self) -> bool:
        """Whether somebody was left without what he waited for, or the upstream reset it.

        A client that closes first, whatever comes of it, has only left.
        """
        if self.connected is None and (self.tries or self.resolve_error):
            return True
        left = False
        for one in self.endings:
            if one.side is Side.UPSTREAM and (one.how is not How.FIN or one.moment in BUSY):
                return True
            if one.side is Side.CLIENT:
                if one.how is not How.FIN and one.moment in BUSY and not left:
                    return True
                left = True
        return False

    def as_json(self) -> dict[str, Any]:
        """Everything but the exchanges, which have lines of their own."""
        told = asdict(self)
        for name in ("exchanges", "bursts", "started"):
            del told[name]
        told["failed"] = self.failed
        return told
