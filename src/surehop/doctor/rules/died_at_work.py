"""SH049: a server ends the connection instead of an answer, though it had the request."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import by_peer, captured, count, lines, many, quotes
from surehop.doctor.rules.poison import blamed

_ASKED = """\
192.0.2.1:40000 > 192.0.2.9:3000
0.000 > open
0.001 > GET /report
0.002 < ACK
"""

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
    needs="a capture",
    examples=(
        Example(_ASKED + "2.000 < RST\n", _ASKED + "2.000 < 200\n2.001 > FIN\n", kind="capture"),
    ),
    proof=("journalctl -k --grep 'Out of memory'",),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
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
            f" without a byte of an answer, or in the middle of its head.{same}{_KEPT if kept else ''}",
            advice="look for a crash, a kill or a restart at that moment in the server's log",
            subject=f"capture {peer}",
            quotes=quotes(tallies),
        )
