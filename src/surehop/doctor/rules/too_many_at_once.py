"""SH026: a server takes connections and closes them at once, since it has too many."""

from collections.abc import Iterable, Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.attempts import Line, Tally
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import (
    PROXY_OR_APPLICATION,
    by_peer,
    captured,
    failed,
    line,
    lines,
    many,
    named,
    quoted,
    quotes,
)
from surehop.doctor.probe_views import said
from surehop.doctor.probing.sheet import End
from surehop.events import Reason

_WHO = ("envoy", *PROXY_OR_APPLICATION)
_ENDED = {End.FIN, End.RST}
_AT_ONCE, _MANY = 3, 5
_WITHIN = 30  # milliseconds: they are closed as fast as they are accepted
_ALL, _MOST = 0.9, 0.66
_IN_A_SECOND = 5  # where the log tells no milliseconds
_NEW = "the connections were new"
_ADVICE = (
    "raise the server's limit (Node: `server.maxConnections`), or ask with fewer connections at"
    " once and let the rest wait"
)
_STALE = "stale connections come one by one"
_RESET = "recv() failed (104: Connection reset by peer)"
_NODE = "2026-01-05T10:00:0{}Z Error: read ECONNRESET\n    at TCP.onStreamRead (node:x:1:2)\n"

_TAKEN = """\
192.0.2.1:40000 > 192.0.2.9:3000
0.000 > open
0.001 > GET /
"""


def _burst(*seconds: str) -> str:
    return "".join(_NODE.format(each) for each in seconds)


ABOUT = About(
    id="SH026",
    name="too-many-at-once",
    summary="several new connections are reset at the same moment: the server has too many",
    symptom="a handful of ECONNRESET, or of nginx's `recv() failed (104: …)`, at one moment, while"
    " other requests are answered",
    cause="a server with a limit (Node's `server.maxConnections`) accepts a connection and closes"
    " it at once; what was sent on it is answered with RST",
    cure="raise the limit; or have fewer connections at once (`max_conns` and `queue` of an"
    " upstream, `maxSockets` of an agent) and retry with a growing delay",
    needs="an error log of nginx, a log of an application or of a load balancer of a cloud, a"
    " capture, or a probe with `--connections`",
    examples=(
        Example(
            "".join(
                line(_RESET, "reading", "192.0.2.1:80").replace("*7", f"*{each}")
                for each in range(1, 6)
            ),
            line(_RESET, "reading", "192.0.2.1:80"),
            kind="error log",
        ),
        Example(
            _burst("0.010", "0.011", "0.012"),
            _burst("0.010", "1.011", "2.012"),
            kind="application log",
        ),
        Example(
            _TAKEN + "0.001 < RST\n",
            _TAKEN + "0.002 < 200\n0.003 > FIN\n",
            kind="capture",
        ),
    ),
    scenario="max-connections",
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    yield from _logged(evidence)
    yield from _captured(evidence)
    yield from _probed(evidence)


def crowded(evidence: Evidence) -> dict[str, tuple[list[Tally], list[Line]]]:
    """Give the peers that logs show closing several connections at one moment, and the first."""
    ended = failed(evidence.logs, Reason.CLOSED, Reason.RESET, software=_WHO)
    refused = by_peer(failed(evidence.logs, Reason.REFUSED, software=_WHO))
    found = {peer: (some, at_one_moment(some)) for peer, some in by_peer(ended).items()}
    # Who also refuses was restarted.
    return {peer: each for peer, each in found.items() if each[1] and peer not in refused}


def _logged(evidence: Evidence) -> Iterator[Finding]:
    for peer, (tallies, burst) in crowded(evidence).items():
        fresh = all(each.reused is False for each in tallies)
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.MEDIUM,
            because=f"{_NEW if fresh else _STALE}; a server that is restarted looks the same",
            title=f"{named(peer)} closed {len(burst)} connections at one moment,"
            f" {many(tallies, 'time')} in all",
            text="Servers with a limit accept a connection that is one too many and close it at"
            " once; the request on it meets RST. One that goes on working and resets several at the"
            " same moment is most often one of these. Where it was kept connections that ended, the"
            " server closed all it had, or the client had slept over it (SH042).",
            advice=_ADVICE,
            subject=f"log {peer}",
            quotes=quoted(burst),
        )


def _captured(evidence: Evidence) -> Iterator[Finding]:
    for peer, tallies in by_peer(captured(evidence.logs, "closed at once")).items():
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="the packets show connections accepted, and ended before a request was read",
            title=f"`{peer}` accepted {many(tallies, 'connection')} and closed at once",
            text="The handshake was over, and the server ended the connection without reading the"
            " request on it. So a server with a limit turns away what is one too many.",
            advice=_ADVICE,
            subject=f"capture {peer}",
            quotes=quotes(tallies),
        )


def _probed(evidence: Evidence) -> Iterator[Finding]:
    for sheet in evidence.probes:
        crowd = sheet.crowd
        turned = {how: count for how, count in crowd.failed if how in _ENDED} if crowd else {}
        if not crowd or not crowd.statuses or not turned:
            continue
        count, peer = sum(turned.values()), sheet.asked
        evident = ", ".join(f"{times} ended by {how}" for how, times in turned.items())
        yield ABOUT.found(
            Severity.WARNING,
            Confidence.HIGH,
            because="so many were opened just now",
            title=f"`{peer}` takes {crowd.wanted - count} of {crowd.wanted} connections at once",
            text="The others were accepted and ended, and the requests on them with them. So a"
            " server with a limit turns away what is one too many.",
            advice=_ADVICE,
            subject=f"probe {peer}",
            quotes=(said(sheet, f"of {crowd.wanted} connections at once {evident}"),),
        )


def at_one_moment(tallies: Iterable[Tally]) -> list[Line]:
    """Give the first lines that came together, each of a request of its own, if most came so."""
    every = [
        each
        for each in lines(tallies)
        if each.at_ms and each.tries == 1 and not each.pause_ms  # SH042 tells of that one
    ]
    whole = all(each.at_ms % 1000 == 0 for each in every)
    within, enough = (0, _IN_A_SECOND) if whole else (_WITHIN, _AT_ONCE)
    bursts: list[list[Line]] = []
    for each in every:
        if bursts and each.at_ms - bursts[-1][0].at_ms <= within:
            bursts[-1].append(each)
        else:
            bursts.append([each])
    large = [each for each in bursts if len({e.connection or e.line for e in each}) >= enough]
    many = [each for each in large if len(each) >= _MANY]
    # Where too many come one by one, it is the keep-alive race.
    shares = ((large, _ALL), (many, _MOST))
    together = any(sum(map(len, some)) >= share * len(every) for some, share in shares)
    return large[0] if large and together else []
