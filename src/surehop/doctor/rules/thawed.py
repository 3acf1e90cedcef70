"""SH042: a process that was frozen wakes up with a pool of dead connections."""

from collections.abc import Iterable, Iterator, Sequence

from surehop.doctor.about import About, Example
from surehop.doctor.attempts import Line, Tally
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import (
    APPLICATIONS,
    ENDED,
    by_peer,
    captured,
    failed,
    lines,
    many,
    named,
    quoted,
)
from surehop.doctor.rules.too_many_at_once import at_one_moment
from surehop.events import Reason

_ADVICE = (
    "give up connections older than the server's idle time-out before they are used, by a clock"
    " that runs on while the process is frozen"
)
_LONG = 60_000  # milliseconds
_WITHIN = 1_000
_LATE = 100  # milliseconds: who is awake has seen a close by then
_TOGETHER = 3
_RESTED = (
    "2026-01-05 10:00:00,{} ERROR app: POST http://192.0.2.1/a: the server closed first: idle"
    " {} s\n"
)
_PAUSED = """\
2026-01-05T{}.120Z END RequestId: 8f5a
2026-01-05T10:20:00.000Z START RequestId: 91c2
2026-01-05T10:20:00.011Z Error: read ECONNRESET
2026-01-05T10:20:00.012Z Error: read ECONNRESET
"""
_SLEPT = """\
192.0.2.1:4000{0} > 192.0.2.9:3000
0.000 > open
0.001 > GET /
0.010 < 200
5.010 < FIN
5.011 > ACK
9.01{0} > GET /
9.02{0} < RST
"""

ABOUT = About(
    id="SH042",
    name="thawed-with-dead-connections",
    summary="after a pause of minutes several connections turn out dead at the same moment",
    symptom="a burst of ECONNRESET right after a long pause, on Lambda and the like",
    cause="between two invocations the process is frozen, and servers close the connections that"
    " it holds; when it wakes up, nobody has told it",
    cure="look at a connection's age by the wall clock before it is used; or keep none over the end"
    " of an invocation",
    needs="a log of an application in which every line has its time, one of Surehop's client, or"
    " a capture",
    examples=(
        Example(_PAUSED.format("10:00:00"), _PAUSED.format("10:19:59"), kind="application log"),
        Example(
            _RESTED.format(250, "812.120") + _RESTED.format(251, "812.119"),
            _RESTED.format(250, "4.998") + _RESTED.format(251, "4.997"),
            kind="application log",
        ),
        Example("".join(map(_SLEPT.format, "1234")), _SLEPT.format("1"), kind="capture"),
    ),
    scenario="frozen-process",
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    yield from _captured(evidence)
    yield from _logged(evidence)


def _captured(evidence: Evidence) -> Iterator[Finding]:
    for peer, tallies in by_peer(captured(evidence.logs, "race", "stale")).items():
        burst = asleep(tallies)
        if not burst:
            continue
        late = max(each.pause_ms or 0 for each in burst)
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="the packets show that the closes had come long before the requests",
            title=f"{many(tallies, 'request')} went out on connections that `{peer}` had closed, up"
            f" to {late / 1000:.1f}s after the close had come",
            text="They were sent at one moment, on connections of which the end had long been"
            " there: the client stood still while the server closed what had rested, and did not"
            " look when it went on. So it is on Lambda and the like, and after a laptop's sleep.",
            advice=_ADVICE,
            subject=f"capture {peer}",
            quotes=quoted(burst),
        )


def asleep(tallies: Iterable[Tally]) -> list[Line]:
    """Give the requests that were sent at one moment, long after the server's closes had come."""
    every = lines(tallies)
    late = [each for each in every if (each.pause_ms or 0) >= _LATE]
    if len(late) * 2 < len(every):
        return []
    return next((some for some in _bursts(late) if len(some) >= _TOGETHER), [])


def _bursts(every: Sequence[Line]) -> Iterator[list[Line]]:
    for first in every:
        yield [each for each in every if 0 <= each.at_ms - first.at_ms <= _WITHIN]


def _logged(evidence: Evidence) -> Iterator[Finding]:
    software = {each.software for each in evidence.logs.tallies if each.software != "packets"}
    ended = failed(evidence.logs, *ENDED, software=software)
    dead = [each for each in ended if each.reused is not False]
    rested = [each for each in lines(dead) if _rest(each) >= _LONG]
    for burst in _bursts(rested):
        first = burst[0]
        if len(burst) < 2:  # noqa: PLR2004 (one alone is the race)
            continue
        known = first.idle_ms is not None
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH if known else Confidence.MEDIUM,
            because="the log tells how long each connection had rested"
            if known
            else "the log stood still before it; it does not tell how old the connections were",
            title=f"{len(burst)} connections were dead after a pause of {_rest(first) // 1000}s,"
            f" {many(dead, 'time')} in all",
            text="They failed at one moment, right after nothing had happened for long: the process"
            " stood still, while servers closed the connections that it held.",
            advice=_ADVICE,
            subject="log thawed",
            quotes=quoted(burst),
        )
        return
    yield from _together(evidence, [each for each in dead if each.reused])


def _together(evidence: Evidence, dead: Sequence[Tally]) -> Iterator[Finding]:
    """No pause is seen, but connections that had been kept end together, as in no race."""
    refused = by_peer(failed(evidence.logs, Reason.REFUSED, software=APPLICATIONS))
    for peer, tallies in by_peer(dead).items():
        burst = at_one_moment(tallies)
        if not burst or peer in refused:  # who also refuses was restarted
            continue
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.MEDIUM,
            because="kept connections that meet an idle time-out end one by one; but a server that"
            " ends closes all of its own at one moment, too",
            title=f"{len(burst)} kept connections to {named(peer)} were dead at one moment,"
            f" {many(tallies, 'time')} in all",
            text="They had carried requests before, and failed together: the process stood still,"
            " while the server closed the connections that it held. Or the server ended.",
            advice=_ADVICE,
            subject=f"log together {peer}",
            quotes=quoted(burst),
        )


def _rest(line: Line) -> int:
    """How long the connection rested, or else the whole log."""
    return (line.pause_ms if line.idle_ms is None else line.idle_ms) or 0
