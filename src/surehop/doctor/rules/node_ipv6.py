"""SH020: Node asks for `localhost`, gets `::1` first, and the server listens on IPv4 alone."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import many, quotes, refused_ipv6, split

_REFUSED = "2026-01-05T10:00:00.250Z Error: connect ECONNREFUSED {}:3000\n"

ABOUT = About(
    id="SH020",
    name="node-localhost-is-ipv6",
    summary="Node connects to `::1`, and nobody listens there",
    symptom="`connect ECONNREFUSED ::1:3000`, though `curl` and older Node can connect",
    cause="since Node 17 the addresses of a name are tried as the resolver gives them; for"
    " `localhost` that is `::1` first, and the server listens on 127.0.0.1",
    cure="write 127.0.0.1; or let the server listen on both families (`listen(port, '::')`)",
    needs="a log of an application with errors of Node",
    examples=(
        Example(_REFUSED.format("::1"), _REFUSED.format("127.0.0.1"), kind="application log"),
    ),
    proof=("getent ahosts localhost", "ss -ltn"),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for peer, tallies in refused_ipv6(evidence.logs).items():
        _, port = split(peer)
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.MEDIUM,
            because="the log shows who refuses, not that 127.0.0.1 would answer",
            title=f"Node was refused at `::1` port {port}, {many(tallies, 'time')}",
            text="Nobody writes `::1` by hand: a name, most often `localhost`, gave it before"
            " 127.0.0.1, and the server listens on IPv4 alone.",
            advice=f"write 127.0.0.1:{port} in place of `localhost:{port}`, or let the server"
            " listen on both families",
            subject=f"log {peer}",
            quotes=quotes(tallies),
        )
