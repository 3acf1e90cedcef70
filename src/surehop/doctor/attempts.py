"""What logs told, as the native digest has it: tallies, outages, traffic, with evidence."""

import ipaddress
import json
from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from surehop.events import Cause, Family, Phase, Reason


class Line(NamedTuple):
    """A line that is kept. `at_ms` is Unix milliseconds by the log's own clock, 0 unknown.

    `connection` is the client connection's number, 0 unknown; `method` the request's, "" where cut
    off; `upstream` the URL as it stands in the log; `status` what the client got, 0 unknown.
    `pause_ms` says for how long the log stood still just before.
    """

    at_ms: int
    file: str
    line: int
    text: str
    connection: int = 0
    method: str = ""
    upstream: str = ""
    idle_ms: int | None = None
    age_ms: int | None = None
    pause_ms: int | None = None
    status: int = 0
    tries: int = 1


class Histogram(NamedTuple):
    """Counts over time: slot N begins at `(start + N) * width_ms`."""

    width_ms: int
    start: int
    counts: tuple[int, ...]


class Tally(NamedTuple):
    """All lines that tell the same of one peer. Without a `reason` they tell of no failed try.

    `write` says whether the requests were POST, PATCH or LOCK. `kept` are the earliest lines.
    """

    software: str
    word: str
    peer: str
    write: bool
    phase: Phase | None
    cause: Cause | None
    reason: Reason | None
    errno: int | None
    reused: bool | None
    count: int  # type: ignore[assignment]  # of lines; a tuple's own is not wanted
    tries: int
    first_ms: int
    last_ms: int
    times: Histogram
    kept: tuple[Line, ...]

    @property
    def family(self) -> Family | None:
        return family(self.peer)


class Failure(NamedTuple):
    """A try that failed just before an outage."""

    line: Line
    software: str
    word: str
    peer: str
    phase: Phase
    cause: Cause
    reason: Reason


class Outage(NamedTuple):
    """A time in which a group had no live peer. `before` failed in the 15 seconds before it."""

    group: str
    first: Line
    last_ms: int
    count: int  # type: ignore[assignment]  # of lines; a tuple's own is not wanted
    before: tuple[Failure, ...]


class Share(NamedTuple):
    requests: int
    failures: int


class Traffic(NamedTuple):
    """All requests of one kind of log; a failure is an answer of 500 or more."""

    requests: Histogram
    failures: Histogram
    statuses: Mapping[int, int]
    peers: Mapping[str, Share]
    others: int


class LogFile(NamedTuple):
    """A log, or a capture, of which the packets are the lines.

    `broken`: a part of it could not be read, since it is damaged or cut off.
    """

    name: str
    kind: str
    lines: int
    understood: int
    unknown: int
    bytes: int
    broken: bool = False

    @property
    def captured(self) -> bool:
        return self.kind == "packet capture"


class LogFacts(NamedTuple):
    """Everything that was read of logs. `others` and `other_outages` count what was too much.

    Tallies and outages are in the order of their first lines; `traffic` is by kind of log.
    """

    files: tuple[LogFile, ...] = ()
    tallies: tuple[Tally, ...] = ()
    others: int = 0
    outages: tuple[Outage, ...] = ()
    other_outages: int = 0
    traffic: Mapping[str, Traffic] = MappingProxyType({})

    @property
    def understood(self) -> int:
        return sum(each.understood for each in self.files)

    @property
    def unknown(self) -> int:
        return sum(each.unknown for each in self.files)


def family(peer: str) -> Family | None:
    """Tell the family of a peer's address; None for the name of a group."""
    if peer.startswith("unix:"):
        return Family.UNIX
    if peer.startswith("["):
        return Family.IPV6
    host = peer.rpartition(":")[0] or peer
    try:
        ipaddress.IPv4Address(host)
    except ValueError:
        return None
    return Family.IPV4


def read_facts(text: bytes) -> LogFacts:
    """Read what a digest gave as JSON."""
    told = json.loads(text)
    return LogFacts(
        tuple(LogFile(**each) for each in told["files"]),
        tuple(_tally(each) for each in told["tallies"]),
        told["others"],
        tuple(_outage(each) for each in told["outages"]),
        told["other_outages"],
        {kind: _traffic(each) for kind, each in told["traffic"].items()},
    )


def _tally(told: dict[str, Any]) -> Tally:
    return Tally(
        **{
            **told,
            **_ending(told),
            "times": _histogram(told["times"]),
            "kept": _lines(told["kept"]),
        }
    )


def _outage(told: dict[str, Any]) -> Outage:
    before = tuple(
        Failure(**{**each, **_ending(each), "line": Line(**each["line"])})
        for each in told["before"]
    )
    return Outage(**{**told, "first": Line(**told["first"]), "before": before})


def _traffic(told: dict[str, Any]) -> Traffic:
    return Traffic(
        _histogram(told["requests"]),
        _histogram(told["failures"]),
        {int(status): count for status, count in told["statuses"].items()},
        {peer: Share(**share) for peer, share in told["peers"].items()},
        told["others"],
    )


def _ending(told: dict[str, Any]) -> dict[str, Any]:
    if told.get("reason") is None:
        return {"phase": None, "cause": None, "reason": None}
    return {
        "phase": Phase(told["phase"]),
        "cause": Cause(told["cause"]),
        "reason": Reason(told["reason"]),
    }


def _histogram(told: dict[str, Any]) -> Histogram:
    return Histogram(told["width_ms"], told["start"], tuple(told["counts"]))


def _lines(told: Iterable[dict[str, Any]]) -> tuple[Line, ...]:
    return tuple(Line(**each) for each in told)
