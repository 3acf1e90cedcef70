"""SH034: reloads that follow each other close the connections of clients that are still asking."""

from collections.abc import Iterator, Sequence

from surehop.doctor.about import About, Example
from surehop.doctor.attempts import Tally
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import (
    by_peer,
    captured,
    count,
    lines,
    many,
    quotes,
    seconds,
    told,
)

# How many, within how many seconds.
_OFTEN = 3, 60
_RELENTLESS = 6, 30


def _reload(time: str) -> str:
    return f"2026/01/05 {time} [notice] 1#1: reconfiguring\n"


# Connections that have rested for one to six seconds, all closed at one moment.
_ENDING = "".join(
    f"192.0.2.1:4000{rest} > 192.0.2.9:80\n"
    f"{8 - rest} > open\n{9 - rest} > GET /\n{9 - rest} < 200\n9.000 < FIN\n"
    for rest in range(6, 0, -1)
)

ABOUT = About(
    id="SH034",
    name="resets-at-reload",
    summary="nginx is reloaded again and again, and each reload closes idle client connections",
    symptom="a burst of ECONNRESET or `socket hang up` at clients whenever nginx is reloaded",
    cause="workers that end close the connections on which they wait for a client's next request;"
    " a request that is on its way there just then gets no answer",
    cure="`keepalive_min_timeout` (nginx 1.27.4) lets clients finish; gather changes into fewer"
    " reloads; let clients send again what is safe",
    needs="an error log of nginx at level `notice`, or a capture",
    examples=(
        Example(
            _reload("10:00:00") + _reload("10:00:07") + _reload("10:00:15"),
            _reload("10:00:00") + _reload("11:00:00") + _reload("12:00:00"),
            kind="error log",
        ),
        Example(
            _ENDING + "9.001 > GET / unseen\n9.002 < RST\n",
            _ENDING + "9.001 > FIN\n",
            kind="capture",
        ),
    ),
    scenario="reload-under-load",
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    yield from _logged(evidence)
    yield from _captured(evidence)


def _logged(evidence: Evidence) -> Iterator[Finding]:
    stopped = by_peer(told(evidence.logs, "stopped")).values()
    # Of HAProxy's proxies each is told to have stopped.
    for reloads in (told(evidence.logs, "reload"), max(stopped, key=count, default=[])):
        times = [each.at_ms for each in lines(reloads)]
        if _within(times, *_OFTEN):
            yield _often(reloads, times)


def _often(reloads: Sequence[Tally], times: Sequence[int]) -> Finding:
    timed = all(times)
    span = f" in {seconds(reloads)}s" if timed else ""
    return ABOUT.found(
        # a few in a row are what a renewal of certificates does
        Severity.WARNING if timed and _within(times, *_RELENTLESS) else Severity.INFO,
        Confidence.MEDIUM,
        because="whether a client was asking just then, only its own log tells"
        + ("" if timed else "; the log does not tell when they were"),
        title=f"{many(reloads, 'reload')}{span}: each closes the connections of idle clients",
        text="At each, the old workers close the connections of clients that ask nothing at the"
        " moment. A client that has just sent the next request meets a reset.",
        advice="`keepalive_min_timeout` where nginx is 1.27.4 or newer; fewer reloads",
        subject="log reload",
        quotes=quotes(reloads),
    )


def _within(times: Sequence[int], count: int, span_s: int) -> bool:
    """Whether so many of them lie within so many seconds."""
    pairs = zip(times, times[count - 1 :], strict=False)
    return any(last - first <= span_s * 1000 for first, last in pairs)


def _captured(evidence: Evidence) -> Iterator[Finding]:
    races = by_peer(captured(evidence.logs, "race"))
    for peer, tallies in by_peer(captured(evidence.logs, "closed together")).items():
        met = races.get(peer, [])
        if not met:
            continue  # nobody was asking
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.MEDIUM,
            because="the packets show that connections ended together, however long they had"
            " rested; whether it was a reload or an end, the server's own log tells",
            title=f"`{peer}` closed its connections at rest all at once, {many(tallies, 'time')},"
            f" and {many(met, 'request')} met the close",
            text="It was no idle time-out: they had rested for different times. So a server that is"
            " reloaded or ended closes them, and a request that is on its way just then is lost.",
            advice="let clients send again what is safe; let the server say `Connection: close` on"
            " its last answers before it ends",
            subject=f"capture {peer}",
            quotes=quotes([*tallies, *met]),
        )
