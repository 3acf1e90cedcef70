"""SH039: a dead server is found dead again and again, at the pace of `fail_timeout`."""

from collections.abc import Iterator, Sequence
from itertools import pairwise

from surehop.doctor.about import About, Example
from surehop.doctor.attempts import Tally
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import by_peer, failed, line, lines, many, quotes
from surehop.doctor.rules.nobody_listens import halves
from surehop.events import Reason

# An access log tells no more than BROKEN and TIMED_OUT.
_DEAD = (
    *(Reason.REFUSED, Reason.CONNECT_TIMED_OUT, Reason.UNREACHABLE),
    *(Reason.BROKEN, Reason.TIMED_OUT),
)
_TIMES = 3
_UNEVEN_MS = 1500  # nginx counts whole seconds, and a live request has to come first
_SHARE = 0.2
_SHORTEST_MS = 2000
_AT_ONCE_MS = 1000  # several workers find out at the same time
_REFUSED = "connect() failed (111: Connection refused)"


def _refused(*seconds: int) -> str:
    one = line(_REFUSED, "connecting", "192.0.2.1:80")
    return "".join(one.replace("10:00:00", f"10:00:{second:02}") for second in seconds)


ABOUT = About(
    id="SH039",
    name="dead-server-tested-by-requests",
    summary="the same lines come back at an even pace: a dead server is tested with live requests",
    symptom="a pair of lines every eleven seconds, `connect() failed` and `upstream server"
    " temporarily disabled`, while every client gets its answer",
    cause="after `fail_timeout` the next request is the test of a server that failed; nginx has"
    " no other. Often the server is the dead half of a name with two addresses (SH001)",
    cure="take the dead address out of the configuration, or start what should listen there",
    needs="an error log of nginx, or an access log with `$upstream_addr` and `$upstream_status`",
    examples=(
        Example(
            _refused(0, 11, 22, 33),
            _refused(0, 1, 9, 40),
            kind="error log",
        ),
    ),
    scenario="two-stacks",
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    out = {each.group for each in evidence.logs.outages}
    dead = failed(evidence.logs, *_DEAD)
    half = set(halves(evidence))
    for peer, tallies in by_peer(dead).items():
        every = _pace(tallies)
        if every is None or peer in half:
            continue
        yield ABOUT.found(
            Severity.WARNING,
            Confidence.MEDIUM if out else Confidence.HIGH,
            because="the times are even"
            + (", but the log also has times without any server" if out else ""),
            title=f"`{peer}` is found dead every {every}s, {many(tallies, 'time')}",
            text="Each time `fail_timeout` is over, the next live request goes there to find out."
            " It is sent on to another server, so clients see 200, only later.",
            advice="take the address out of the configuration, or start what should listen there",
            subject=f"log {peer}",
            quotes=quotes(tallies),
        )


def _pace(tallies: Sequence[Tally]) -> int | None:
    """Give the seconds from one episode to the next, where all are about the same."""
    times = [each.at_ms for each in lines(tallies) if each.at_ms]
    begun = [
        at
        for before, at in zip([None, *times], times, strict=False)
        if before is None or at - before > _AT_ONCE_MS
    ]
    gaps = sorted(later - earlier for earlier, later in pairwise(begun))
    if len(begun) < _TIMES or gaps[0] < _SHORTEST_MS:
        return None
    middle = gaps[len(gaps) // 2]
    even = gaps[-1] - gaps[0] <= max(_UNEVEN_MS, middle * _SHARE)
    return round(middle / 1000) if even else None
