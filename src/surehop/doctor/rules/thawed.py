"""SH042: a process that was frozen wakes up with a pool of dead connections."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import failed, lines, many, quoted
from surehop.events import Reason

_LONG = 60_000  # milliseconds of rest
_WITHIN = 1_000
_DEAD = (Reason.REUSED_CLOSED, Reason.REUSED_RESET, Reason.REUSED_UNSENT)
_LINE = (
    "2026-01-05 10:00:00,{} ERROR app: POST http://192.0.2.1/a: the server closed first: idle"
    " {} s\n"
)

ABOUT = About(
    id="SH042",
    name="thawed-with-dead-connections",
    summary="several connections that rested for minutes turn out dead at the same moment",
    symptom="a burst of ECONNRESET right after a long pause, on Lambda and the like",
    cause="between two invocations the process is frozen, and its servers close the connections"
    " that it holds; when it wakes up, nobody has told it",
    cure="look at a connection's age by the wall clock before it is used; or keep none over the end"
    " of an invocation",
    needs="a log of Surehop's client, or a capture, which tell how long a connection rested",
    examples=(
        Example(
            _LINE.format(250, "812.120") + _LINE.format(251, "812.119"),
            _LINE.format(250, "4.998") + _LINE.format(251, "4.997"),
            kind="application log",
        ),
    ),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    software = {each.software for each in evidence.logs.tallies}
    dead = failed(evidence.logs, *_DEAD, software=software)
    rested = [each for each in lines(dead) if (each.idle_ms or 0) >= _LONG]
    for first in rested:
        burst = [each for each in rested if 0 <= each.at_ms - first.at_ms <= _WITHIN]
        if len(burst) < 2:  # noqa: PLR2004 (one alone is the race)
            continue
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="the log tells how long each connection had rested",
            title=f"{len(burst)} connections were dead after {(first.idle_ms or 0) // 1000}s of"
            f" rest, {many(dead, 'time')} in all",
            text="All of them had rested for as long, and failed at one moment: the process stood"
            " still, while the servers closed what it held.",
            advice="give up connections older than the server's idle time-out before they are used,"
            " by a clock that runs on while the process is frozen",
            subject="log thawed",
            quotes=quoted(burst),
        )
        return
