"""SH051: one request ends the connection at every server that it is sent to."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

from surehop.doctor.about import About, Example
from surehop.doctor.attempts import Line, Tally
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import captured, count, failed, line, quoted, target
from surehop.events import Reason

_AT_ONCE_MS = 2000
_SEVERAL = 3  # so many stale connections are not met by one request
_FEWEST = 5
_RARE = 0.1
_CLOSED = "upstream prematurely closed connection"


def _killed(path: str, connection: int = 7) -> str:
    """Two servers that end the connection, and then nobody is left, for others neither."""
    first, second, nobody = (
        line(message, action, peer)
        .replace(f"{peer}/", f"{peer}{path}")
        .replace("GET /", f"GET {path}")
        .replace("*7", f"*{connection}")
        for message, action, peer in (
            (_CLOSED, "reading", "192.0.2.1:80"),
            (_CLOSED, "reading", "192.0.2.2:80"),
            ("no live upstreams", "connecting", "app"),
        )
    )
    others = (line("no live upstreams", "connecting", "app").replace("*7", f"*{n}") for n in _REST)
    return first + second + nobody + "".join(others)


_REST = range(8, 16)

ABOUT = About(
    id="SH051",
    name="one-request-ends-every-connection",
    summary="servers end the connection whenever they get one particular request",
    symptom="the same request line stands behind `upstream prematurely closed connection` for one"
    " server after the other, often with `no live upstreams` behind it",
    cause="the request crashes the program, or it closes the connection on purpose. A proxy takes"
    " that for the server's failure, sends the request on to the next one, and may so take out all"
    " of them for everybody",
    cure="find out in the server's log what this request does; until then answer it in the proxy"
    " (`location = /path { return 503; }`), or let it go nowhere else (`proxy_next_upstream off`"
    " there)",
    needs="an error log of nginx, an access log with `$upstream_addr` and `$upstream_status`, or a"
    " capture of the proxy's connections to its servers",
    examples=(
        Example(_killed("/report?id=7"), _killed("/"), kind="error log"),
        Example(
            "".join(
                f"192.0.2.1:4000{server} > 192.0.2.{server}:3000\n0.000 > open\n"
                f"0.1{server} > GET /ok\n0.2{server} < 200\n"
                f"0.3{server} > GET /report\n0.4{server} < FIN\n"
                for server in (7, 8)
            ),
            "".join(
                f"192.0.2.1:4000{server} > 192.0.2.{server}:3000\n0.000 > open\n"
                f"0.1{server} > GET /ok\n0.2{server} < 200\n"
                f"0.3{server} > GET /ok\n0.4{server} < FIN\n"
                for server in (7, 8)
            ),
            kind="capture",
        ),
    ),
    scenario="poison-request",
)


class Killer(NamedTuple):
    """A request that servers did not survive. times: how often it was sent."""

    asked: str
    peers: tuple[str, ...]
    lines: tuple[Line, ...]
    times: int
    sure: Confidence
    because: str


class _Death(NamedTuple):
    """A connection that ended under a request; `request` tells it from others."""

    peer: str
    asked: str
    line: Line
    request: tuple[str, int, str]


def judge(evidence: Evidence) -> Iterator[Finding]:
    for each in killers(evidence):
        peers = ", ".join(f"`{peer}`" for peer in each.peers)
        again = f", {each.times} times" if each.times > 1 else ""
        yield ABOUT.found(
            Severity.ERROR,
            each.sure,
            because=each.because,
            title=f"the request for `{each.asked}` ended the connection wherever it was sent:"
            f" {peers}{again}",
            text="It went from one server to the next, and each closed the connection under it. The"
            " proxy charges that to the servers, so that one such request can take out all of"
            " them, for everybody.",
            advice=f"see in the servers' logs what `{each.asked}` does to them; keep it from them"
            " until then",
            subject=f"log {each.asked}",
            quotes=quoted(each.lines),
        )


def killers(evidence: Evidence) -> list[Killer]:
    """Give the requests that are to blame, and not the connections that they were sent on."""
    deaths, rest = _logged(evidence)
    alike = list(_alike(deaths))
    others = _others(deaths, rest) if alike else Counter()
    found = []
    for asked, mine in alike:
        because = _because(evidence, asked, {each.peer for each in mine}, others)
        if because:
            found.append(_killer(asked, mine, *because))
    for asked, mine in _alike(_captured(evidence)):
        if len({each.peer for each in mine}) > 1:  # one may do so to every request
            because = (Confidence.HIGH, "the packets show that servers had it, and none answered")
            found.append(_killer(asked, mine, *because))
    return found


def _alike(deaths: Iterable[_Death]) -> Iterator[tuple[str, list[_Death]]]:
    """Give the requests that met several ends, by what they ask for."""
    requests: dict[tuple[str, int, str], list[_Death]] = {}
    for each in deaths:
        requests.setdefault(each.request, []).append(each)
    alike: dict[str, list[_Death]] = {}
    for some in requests.values():
        if len(some) > 1 and some[0].asked:
            alike.setdefault(some[0].asked, []).extend(some)
    yield from alike.items()


def _killer(asked: str, mine: Sequence[_Death], sure: Confidence, because: str) -> Killer:
    peers = tuple(dict.fromkeys(each.peer for each in mine))
    times = len({each.request for each in mine})
    return Killer(asked, peers, tuple(each.line for each in mine), times, sure, because)


def blamed(evidence: Evidence) -> Callable[[list[Tally]], bool]:
    """Give what tells whether such requests account for all of some tallies."""
    lost = {(each.file, each.line) for killer in killers(evidence) for each in killer.lines}

    def accounted(tallies: list[Tally]) -> bool:
        kept = [(each.file, each.line) for tally in tallies for each in tally.kept]
        return bool(kept) and len(kept) == count(tallies) and lost.issuperset(kept)

    return accounted


def _because(
    evidence: Evidence, asked: str, peers: set[str], others: Counter[str]
) -> tuple[Confidence, str] | None:
    """Tell why it is the request; None where it may as well have met stale connections."""
    every = others.total()
    if others[asked] > _RARE * every:
        return None
    if every >= _FEWEST and sum(n == 1 for n in others.values()) <= _RARE * every:
        return Confidence.HIGH, "the other requests in the log ask for the same few things, not it"
    if len(peers) == 1:
        return None  # the client may have asked twice
    groups = [group for each in evidence.nginx for group in each.groups]
    if groups and not any(evidence.keeps(group) for group in groups):
        return Confidence.HIGH, "nginx keeps no connections here, so none of them was stale"
    if len(peers) >= _SEVERAL and asked != "/":  # which everybody asks for
        return Confidence.MEDIUM, "that one request meets so many stale connections is not likely"
    return None


def _logged(evidence: Evidence) -> tuple[list[_Death], list[tuple[Line, str]]]:
    """Give what nginx logged: connections that ended under a request; other lines, their peers."""
    deaths: list[_Death] = []
    rest: list[tuple[Line, str]] = []
    for tally in failed(evidence.logs, *Reason):
        for each in tally.kept:
            if tally.reason in {Reason.CLOSED, Reason.RESET} and each.connection:
                asked = target(each, tally.peer)
                request = (each.file, each.connection, asked)
                deaths.append(_Death(tally.peer, asked, each, request))
            elif tally.reason is Reason.BROKEN:
                asked = target(each, tally.peer)
                deaths.append(_Death(tally.peer, asked, each, (each.file, each.line, "")))
            else:
                rest.append((each, tally.peer))
    return deaths, rest


def _others(deaths: Iterable[_Death], rest: Iterable[tuple[Line, str]]) -> Counter[str]:
    """Count what the others asked for."""
    # When nobody is left for such a request, that is told of it, too.
    own = {each.request for each in deaths}
    every = ((each, target(each, peer)) for each, peer in rest)
    return Counter(
        asked
        for each, asked in every
        if own.isdisjoint({(each.file, each.connection, asked), (each.file, each.line, "")})
    )


def _captured(evidence: Evidence) -> list[_Death]:
    """What packets show: requests that had come, and were answered nowhere before."""
    return [
        _Death(tally.peer, asked, each, (each.method, each.at_ms // _AT_ONCE_MS, asked))
        for tally in captured(evidence.logs, "closed")
        for each in tally.kept
        if not each.status and (asked := target(each, tally.peer))
    ]
