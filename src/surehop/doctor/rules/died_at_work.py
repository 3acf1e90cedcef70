"""SH049: a server ends the connection instead of an answer, though it had the request."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import (
    BALANCERS,
    by_peer,
    captured,
    count,
    failed,
    lines,
    many,
    named,
    quotes,
)
from surehop.doctor.rules.poison import blamed
from surehop.events import Reason

_ASKED = """\
192.0.2.1:40000 > 192.0.2.9:3000
0.000 > open
0.001 > GET /report
0.002 < ACK
"""
_ALB = (
    "http 2026-01-05T10:00:30.186641Z app/web/50dc6c495c0c9188 192.0.2.9:2817 10.0.0.1:3000 0.000"
    ' {} -1 502 - 34 366 "POST http://example.com:80/a HTTP/1.1" "curl/8.0" - - - "Root=1"\n'
)

_KEPT = (
    " They had carried requests before, and the same ones are answered otherwise: so does a server,"
    " too, that gives up what it has kept just as a request comes (SH004)."
)

ABOUT = About(
    id="SH049",
    name="ended-instead-of-an-answer",
    summary="a server takes a request, works on it, and ends the connection without an answer",
    symptom="502, `socket hang up` or ECONNRESET some time after a request was sent, also on new"
    " connections",
    cause="the process crashed, was killed (memory, a time-out for its workers) or restarted; or"
    " the request itself kills it",
    cure="look at the server's own log at that moment; if it is always the same request, at that",
    needs="a capture, or a log of a load balancer of a cloud",
    examples=(
        Example(_ASKED + "2.000 < RST\n", _ASKED + "2.000 < 200\n2.001 > FIN\n", kind="capture"),
        Example(_ALB.format("30.001"), _ALB.format("0.001"), kind="alb access log"),
    ),
    proof=("journalctl -k --grep 'Out of memory'",),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    yield from _captured(evidence)
    yield from _logged(evidence)


def _logged(evidence: Evidence) -> Iterator[Finding]:
    late = failed(evidence.logs, Reason.BROKEN, software=BALANCERS)
    for peer, tallies in by_peer(late).items():
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.MEDIUM,
            because="it had had the request for a second or more; a connection that had rested is"
            " found closed at once",
            title=f"{named(peer)} ended {many(tallies, 'connection')} while it worked on a request",
            text="The balancer had sent the request, and the connection was closed without a byte"
            " of an answer.",
            advice="look for a crash, a kill, or a time-out for its workers at that moment in the"
            " server's log",
            subject=f"log {peer}",
            quotes=quotes(tallies),
        )


def _captured(evidence: Evidence) -> Iterator[Finding]:
    accounted = blamed(evidence)
    for peer, tallies in by_peer(captured(evidence.logs, "closed")).items():
        if accounted(tallies):
            continue
        requests = {f"{each.method} {each.upstream}" for each in lines(tallies) if each.method}
        one = next(iter(requests)) if len(requests) == 1 else ""
        same = f" Each time it was `{one}`." if one and count(tallies) > 1 else ""
        kept = all(each.reused for each in tallies) and all(each.status for each in lines(tallies))
        noun = "kept connection" if kept else "connection"
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.MEDIUM,
            because="the packets show that it had the request and ended the connection; why, its"
            " own log must tell",
            title=f"`{peer}` ended {many(tallies, noun)} instead of an answer",
            text="The request had arrived, and the connection was no race: the server closed it"
            f" without a byte of an answer, or in the middle of its head.{same}"
            + (_KEPT if kept else ""),
            advice="look for a crash, a kill or a restart at that moment in the server's log",
            subject=f"capture {peer}",
            quotes=quotes(tallies),
        )
