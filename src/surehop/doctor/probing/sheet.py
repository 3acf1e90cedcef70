"""What a probe has learned of a hop. Times are ms; None is what nobody could tell."""

from enum import StrEnum
from typing import NamedTuple

from surehop.doctor.facts import IPAddress
from surehop.doctor.probing.hop import Hop
from surehop.doctor.probing.limits import Announced
from surehop.events import Cause


class Queue(NamedTuple):
    """A listener here: `waiting` connections of at most `room` wait to be accepted.

    `somaxconn` bounds the room of every listener; `overflows` counts what came to a full queue,
    of all listeners since the machine started.
    """

    waiting: int
    room: int
    somaxconn: int | None
    overflows: int | None

    @property
    def full(self) -> bool:
        return self.waiting > self.room  # the kernel takes one more than it was told

    def __str__(self) -> str:
        return f"{self.waiting} of {self.room} connections wait"


class Ports(NamedTuple):
    """`resting` of the `all` ports from which this machine connects are in TIME_WAIT to a peer."""

    resting: int
    all: int


class Connected(NamedTuple):
    """One address of the name, and how connecting to it went; `cause` is None where it did.

    `ip` is None for a unix socket. `queue` is the listener's, where it is this machine's; `ports`
    are those from which this machine connects.
    """

    address: str
    ip: IPAddress | None
    ms: float
    cause: Cause | None = None
    why: str = ""
    queue: Queue | None = None
    ports: Ports | None = None

    def __str__(self) -> str:
        if self.cause is None:
            return f"{self.address} connected in {self.ms} ms"
        how = "failed" if self.cause is Cause.OTHER else self.cause.replace("_", " ")
        return f"{self.address} {how} after {self.ms} ms ({self.why})"


class Tls(NamedTuple):
    """`protocol` is what ALPN chose, "" if nothing. `why` says why nobody should trust it.

    The certificate's dates are Unix seconds; None where it could not be read.
    """

    version: str
    protocol: str
    trusted: bool
    why: str
    not_before: int | None
    not_after: int | None


class Answered(NamedTuple):
    """The first answer. `length` says how its end is known, in one word or two."""

    status: int
    version: str
    ms: float
    server: str
    length: str
    both_lengths: bool


class Kept(NamedTuple):
    """Whether connections are kept, and what the server says of it.

    `answers` were had on one connection; `ended` is why there were no more of them, "" where no
    more were asked for.
    """

    answers: int
    ended: str = ""
    advertised_ms: int | None = None
    advertised_requests: int | None = None

    @property
    def supported(self) -> bool:
        return self.answers > 1 or not self.ended


class End(StrEnum):
    """How a connection ended."""

    FIN = "FIN"
    RST = "RST"


class Rested(NamedTuple):
    """One connection that was left alone; `how` is None where it was still open after `ms`.

    `said` is what the server sent before it closed, such as a status of 408.
    """

    ms: float
    how: End | None
    said: str = ""


class Fate(StrEnum):
    """What became of a request that was sent as the connection was about to be closed."""

    ANSWERED = "answered"
    CLOSED = "closed by FIN, unanswered"
    RESET = "RST, unanswered"
    TOO_LATE = "not sent: it was closed already"
    SILENT = "no answer"


class Met(NamedTuple):
    """A request sent `ms` after the answer before it; where it was not sent, when it was closed."""

    ms: float
    fate: Fate


class Crowd(NamedTuple):
    """Many connections at once, a request on each. `failed` counts by what happened."""

    wanted: int
    statuses: tuple[tuple[int, int], ...]
    failed: tuple[tuple[str, int], ...]
    slowest_ms: float | None


class Sheet(NamedTuple):
    """All of it. `trouble` is why no more could be learned, `hint` what to do about it.

    `stopped` is true where time was up, or somebody interrupted. `at` is when it was, in Unix
    seconds. So many connections were made and requests sent; `untried` counts the addresses that
    are too many. `asked` is the address that requests went to.
    """

    hop: Hop
    announced: Announced
    at: int
    connections: int = 0
    requests: int = 0
    addresses: tuple[Connected, ...] = ()
    untried: int = 0
    asked: str = ""
    tls: Tls | None = None
    answered: Answered | None = None
    kept: Kept | None = None
    expect: str = ""
    crowd: Crowd | None = None
    rested: tuple[Rested, ...] = ()
    met: tuple[Met, ...] = ()
    trouble: str = ""
    hint: str = ""
    stopped: bool = False

    @property
    def by_url(self) -> bool:
        """Whether somebody named it, and not a configuration."""
        return self.hop.idle_ms is None

    @property
    def idle(self) -> Rested | None:
        """The soonest close of an idle connection, or the longest wait for one."""
        closed = [each for each in self.rested if each.how]
        if closed:
            return min(closed, key=lambda each: each.ms)
        return max(self.rested, key=lambda each: each.ms, default=None)
