"""A connection as arrows between client, tap and upstream; `drawing` and `svg` draw them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from surehop.lab.tap.record import Burst, Connection, Ending, Exchange, How, Side

CLIENT, TAP, UPSTREAM = range(3)
_REST = 0.05  # seconds without anything, from which on a pause is shown
_LONGEST_TARGET = 40
_MOST = 60


class Kind(StrEnum):
    PLAIN = "plain"
    DATA = "data"
    FIN = "fin"
    RST = "rst"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Arrow:
    """Something that goes from one actor to another, `at` seconds since the connection began."""

    at: float
    source: int
    target: int
    text: str
    kind: Kind = Kind.PLAIN


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing happened for so many seconds, or `text` was left out."""

    seconds: float = 0.0
    text: str = ""

    def __str__(self) -> str:
        return self.text or f"{self.seconds:.3f} s of nothing"


@dataclass(frozen=True, slots=True)
class Diagram:
    """`actors` are name and address; `steps` stand in the order of time."""

    title: str
    actors: tuple[tuple[str, str], ...]
    steps: Sequence[Arrow | Pause]
    note: str = ""

    def __post_init__(self) -> None:
        ends = {e for s in self.steps if isinstance(s, Arrow) for e in (s.source, s.target)}
        if not ends <= set(range(len(self.actors))):
            raise ValueError(f"`{self.title}`: an arrow is between actors that there are not")


def of_record(
    record: Connection, reasons: Mapping[tuple[str, str], str] | None = None, most: int = _MOST
) -> Diagram:
    """What the relay saw. A long connection is shown by its beginning and its end.

    `reasons` are the kernel's for resets, by their ends.
    """
    arrows = sorted(_arrows(record, reasons or {}), key=lambda arrow: arrow.at)
    gone = record.requests - len(record.exchanges)
    note = f"the first {gone} requests are not kept" if gone > 0 else ""
    return Diagram(_title(record), actors(record), with_pauses(arrows, most), note)


def actors(record: Connection) -> tuple[tuple[str, str], ...]:
    tried = record.tries[-1].address if record.tries else "?"
    return (
        ("client", record.client),
        ("tap", record.client_local or ""),
        ("upstream", record.upstream or tried),
    )


def with_pauses(arrows: Sequence[Arrow], most: int) -> list[Arrow | Pause]:
    """Say where time passed, and what was left out: of too many, the middle."""
    if len(arrows) > most:
        head, tail = arrows[: most // 3], arrows[-(most - most // 3) :]
        left = Pause(text=f"… {len(arrows) - most} more …")
        return [*_paused(head), left, *_paused(tail)]
    return _paused(arrows)


def _paused(arrows: Sequence[Arrow]) -> list[Arrow | Pause]:
    steps: list[Arrow | Pause] = []
    before: float | None = None
    for arrow in arrows:
        if before is not None and arrow.at - before >= _REST:
            steps.append(Pause(arrow.at - before))
        steps.append(arrow)
        before = arrow.at
    return steps


def _title(record: Connection) -> str:
    requests = f"{record.requests} request" + "s" * (record.requests != 1)
    answers = f"{record.responses} answer" + "s" * (record.responses != 1)
    return f"connection #{record.number}: {requests}, {answers}"


def _arrows(record: Connection, reasons: Mapping[tuple[str, str], str]) -> Iterator[Arrow]:
    yield Arrow(0.0, CLIENT, TAP, "connect")
    at = 0.0
    for one in record.tries:
        yield Arrow(at, TAP, UPSTREAM, f"connect {one.address}")
        at += one.took
        if one.error:
            yield Arrow(at, UPSTREAM, TAP, one.error, Kind.FAILED)
        else:
            yield Arrow(at, UPSTREAM, TAP, "connected")
    if record.resolve_error:
        yield Arrow(at, TAP, TAP, f"no address: {record.resolve_error}", Kind.FAILED)
    for exchange in record.exchanges:
        yield from _exchange(exchange)
    for burst in record.bursts:
        yield _burst(burst)
    for ending in record.endings:
        yield from _ending(record, ending, _reason(record, ending, reasons))


def _exchange(exchange: Exchange) -> Iterator[Arrow]:
    if exchange.method != "-":
        target = exchange.target
        if len(target) > _LONGEST_TARGET:
            target = target[: _LONGEST_TARGET - 1] + "…"
        text = f"{exchange.method} {target}"
        yield Arrow(exchange.begun, CLIENT, UPSTREAM, text, Kind.DATA)
    if exchange.head is not None:
        size = f"{exchange.response_bytes} bytes"
        told = f"{exchange.status} ({size})" if exchange.status else f"? ({size})"
        if exchange.ended is None:
            told += ", cut off"
        yield Arrow(exchange.head, UPSTREAM, CLIENT, told, Kind.DATA)


def _burst(burst: Burst) -> Arrow:
    ends = (CLIENT, UPSTREAM) if burst.side is Side.CLIENT else (UPSTREAM, CLIENT)
    return Arrow(burst.begun, *ends, f"{burst.size} bytes", Kind.DATA)


def _reason(
    record: Connection, ending: Ending, reasons: Mapping[tuple[str, str], str]
) -> str | None:
    ends = {
        Side.CLIENT: (record.client, record.client_local),
        Side.UPSTREAM: (record.upstream, record.local),
    }
    source, target = ends.get(ending.side, (None, None))
    return reasons.get((source, target)) if source and target else None


def _ending(record: Connection, ending: Ending, reason: str | None) -> Iterator[Arrow]:
    kind = Kind.FIN if ending.how is How.FIN else Kind.RST
    text = {How.FIN: "FIN", How.RST: "RST"}.get(ending.how, f"RST ({ending.error})")
    if reason and ending.how is How.RST:
        text = f"{text} {reason}"
    match ending.side:
        case Side.CLIENT:
            target = UPSTREAM if record.connected is not None else TAP
            yield Arrow(ending.at, CLIENT, target, text, kind)
        case Side.UPSTREAM if record.connected is None:
            yield Arrow(ending.at, TAP, CLIENT, "RST, made of the failure", Kind.RST)
        case Side.UPSTREAM:
            source = UPSTREAM if ending.how in {How.FIN, How.RST} else TAP
            yield Arrow(ending.at, source, CLIENT, text, kind)
        case _:
            yield Arrow(ending.at, TAP, CLIENT, "the tap ended", Kind.FIN)
            if record.connected is not None:
                yield Arrow(ending.at, TAP, UPSTREAM, "the tap ended", Kind.FIN)
