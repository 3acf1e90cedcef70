"""What was seen of many connections, in bounded memory."""

from collections import Counter, deque
from dataclasses import dataclass, field
from statistics import median

from surehop.lab.tap.link import Watcher
from surehop.lab.tap.record import Connection, Ending, Exchange, How, Moment, Side

_FAILED = 100  # connections that are kept whole because something was wrong with them
_LAST = 20
_SAMPLES = 10_000

# Who ended first, and who after that: side, how, moment, and whether a request came too late.
Way = tuple[tuple[Side, How, Moment, bool], ...]


@dataclass(slots=True)
class Endings:
    """Connections that ended in the same way. `idle`: seconds without anything under way."""

    count: int = 0
    idle: list[float] = field(default_factory=list)
    requests: list[int] = field(default_factory=list)
    first: int = 0

    def add(self, record: Connection) -> None:
        self.first = self.first or record.number
        self.count += 1
        if len(self.idle) < _SAMPLES:
            self.requests.append(record.requests)
            if record.endings and record.endings[0].idle is not None:
                self.idle.append(record.endings[0].idle)


@dataclass(slots=True)
class Failure:
    """Connects to an address that failed alike. `took`: the longest, in seconds."""

    count: int = 0
    took: float = 0.0
    first: int = 0


class Tally(Watcher):
    """Counts; `ways` by how connections ended, `failures` by address and error."""

    def __init__(self) -> None:
        self.connections = 0
        self.requests = 0
        self.unanswered = 0
        self.late = 0
        self.bytes_up = 0
        self.bytes_down = 0
        self.lost = 0
        self.ways: dict[Way, Endings] = {}
        self.failures: dict[tuple[str, str], Failure] = {}
        self.statuses: Counter[int] = Counter()
        self.idles: deque[float] = deque(maxlen=_SAMPLES)
        self.took: deque[float] = deque(maxlen=_SAMPLES)
        self.opaque: Counter[str] = Counter()
        self.failed = 0
        self.kept: deque[Connection] = deque(maxlen=_FAILED)
        self.first_failed: Connection | None = None
        self.last: deque[Connection] = deque(maxlen=_LAST)
        self.wanted: int | None = None
        self.found: Connection | None = None

    def connected(self, record: Connection) -> None:
        self.connections += 1
        tries = [(one.address, one.error, one.took) for one in record.tries]
        if record.resolve_error:
            tries.append(("the name", record.resolve_error, 0.0))
        for address, error, took in tries:
            if error:
                failure = self.failures.setdefault((address, error), Failure())
                failure.count += 1
                failure.first = failure.first or record.number
                failure.took = max(failure.took, took)

    def exchanged(self, record: Connection, exchange: Exchange) -> None:  # noqa: ARG002
        self.requests += 1
        self.late += exchange.late
        if exchange.idle is not None:
            self.idles.append(exchange.idle)
        if exchange.status is None:
            self.unanswered += 1
            return
        self.statuses[exchange.status] += 1
        if exchange.head is not None:
            self.took.append((exchange.ended or exchange.head) - exchange.begun)

    def closed(self, record: Connection) -> None:
        self.bytes_up += record.bytes_up
        self.bytes_down += record.bytes_down
        self.lost += record.lost
        if record.opaque:
            self.opaque[record.opaque] += 1
        self.ways.setdefault(way_of(record), Endings()).add(record)
        self.last.append(record)
        if record.number == self.wanted:
            self.found = record
        if record.failed:
            self.failed += 1
            self.kept.append(record)
            self.first_failed = self.first_failed or record

    @property
    def drawn(self) -> Connection | None:
        """The connection to draw: the one asked for, else the first that failed, else the last."""
        if self.wanted is not None:
            return self.found
        return self.first_failed or (self.last[-1] if self.last else None)


def way_of(record: Connection) -> Way:
    late = {e.number for e in record.exchanges if e.late}
    return tuple((e.side, e.how, e.moment, e.request in late) for e in record.endings)


def sentence(ending: Ending, *, late: bool = False) -> str:
    """`upstream FIN idle`, `upstream RST waiting for the answer to a late request`."""
    return words((ending.side, ending.how, ending.moment, late), ending.error)


def words(step: tuple[Side, How, Moment, bool], error: str | None = None) -> str:
    side, how, moment, late = step
    if side is Side.TAP:
        return "the tap ended"
    if moment is Moment.CONNECTING:
        return (
            f"connect failed{f': {error}' if error else ''}"
            if side is Side.UPSTREAM
            else (f"client {_HOW[how]} while connecting")
        )
    return f"{side} {_HOW[how]} {_MOMENT[moment]}" + (" (sent after the FIN)" if late else "")


def spread(seconds: list[float] | deque[float], *, fine: bool = False) -> str:
    """`5.000 s`, or `0.1 / 0.2 / 5.0 s`: the least, the median, the most; `fine`: in ms."""
    if not seconds:
        return ""
    unit, factor, digits = ("ms", 1000, 2) if fine else ("s", 1, 3)
    values = (min(seconds), median(seconds), max(seconds))
    told = [f"{value * factor:.{digits}f}" for value in values]
    return f"{told[0] if told[0] == told[-1] else ' / '.join(told)} {unit}"


_HOW = {How.FIN: "FIN", How.RST: "RST", How.TIMED_OUT: "timed out", How.FAILED: "failed"}
_MOMENT = {
    Moment.CONNECTING: "connecting",
    Moment.FRESH: "before any request",
    Moment.REQUEST: "inside a request",
    Moment.WAITING: "before the answer",
    Moment.RESPONSE: "inside the answer",
    Moment.IDLE: "idle",
    Moment.OPAQUE: "(bytes)",
}
