"""SH045: a server takes the request and does not answer in time."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.attempts import Tally
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import (
    PROXY_OR_APPLICATION,
    by_peer,
    captured,
    count,
    failed,
    line,
    many,
    named,
    quotes,
    taken_out,
)
from surehop.events import Reason

_UNEVEN_MS, _SHARE = 5, 0.03
_FEWEST, _MOST = 2, 0.66
_OF_ALL = 0.4  # where fewer leave, they are impatient, and the others get their answers
_TIMED_OUT = "upstream timed out (110: Connection timed out)"
_SLOW = (Reason.TIMED_OUT, Reason.BODY_TIMED_OUT, Reason.SEND_TIMED_OUT)

ABOUT = About(
    id="SH045",
    name="answers-too-slow",
    summary="a server does not answer within `proxy_read_timeout`",
    symptom="504, and `upstream timed out (110: …) while reading response header from upstream`",
    cause="the backend works longer than the proxy waits: 60s between two reads, unless said",
    cure="make it faster; or give that location alone a longer `proxy_read_timeout`",
    needs="an error log of nginx, a log of an application or of a load balancer of a cloud, or a"
    " capture",
    examples=(
        Example(
            line(_TIMED_OUT, "reading", "192.0.2.1:80"),
            line(_TIMED_OUT, "connecting", "192.0.2.1:80"),
            kind="error log",
        ),
        Example(
            "192.0.2.1:40000 > 192.0.2.9:3000\n0.000 > open\n0.001 > GET /\n30.001 > FIN\n",
            "192.0.2.1:40000 > 192.0.2.9:3000\n0.000 > open\n0.001 > GET /\n29.001 < 200\n",
            kind="capture",
        ),
    ),
    scenario="slow-backend",
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    late = failed(evidence.logs, *_SLOW, software=PROXY_OR_APPLICATION)
    slow = [*late, *captured(evidence.logs, "no answer"), *_alike(evidence)]
    out = taken_out(evidence.logs, *_SLOW)
    for peer, tallies in by_peer(slow).items():
        yield ABOUT.found(
            Severity.ERROR if peer in out else Severity.WARNING,
            Confidence.MEDIUM,
            because="it is seen that it was slow, not why",
            title=f"{named(peer)} did not answer in time, {many(tallies, 'time')}",
            text="The request was sent, and nothing came back within the time-out. In nginx each"
            " also counts as a failure of the server, and takes it out for `fail_timeout`.",
            advice="find out what is slow there; the requests stand in the lines",
            subject=f"log {peer}",
            quotes=quotes(tallies),
        )


def _alike(evidence: Evidence) -> Iterator[Tally]:
    """Give those who went after equally short waits, as no person does: a time-out."""
    accepted = by_peer(captured(evidence.logs, "accepted"))
    for tally in captured(evidence.logs, "left"):
        answers = tally.reused is not False  # it did, on this connection
        if answers or tally.count < _OF_ALL * count(accepted.get(tally.peer, [])):
            continue
        waits = sorted(each.pause_ms or 0 for each in tally.kept)
        middle = waits[len(waits) // 2]
        alike = [each for each in waits if abs(each - middle) <= _UNEVEN_MS + middle * _SHARE]
        if len(alike) >= _FEWEST and len(alike) >= _MOST * len(waits):
            yield tally
