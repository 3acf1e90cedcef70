"""SH047: answers that end in the middle of their body."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import (
    PROXY_OR_APPLICATION,
    by_peer,
    failed,
    line,
    many,
    named,
    quotes,
)
from surehop.events import Reason

_CLOSED = "upstream prematurely closed connection"
_ASKED = """\
192.0.2.1:40000 > 192.0.2.9:3000
0.000 > open
0.001 > GET /
"""

ABOUT = About(
    id="SH047",
    name="answers-cut-short",
    summary="a server ends the connection in the middle of an answer's body",
    symptom="clients get half a body under status 200; `upstream prematurely closed connection"
    " while reading upstream`, or `readv() failed (104: …) while reading upstream`",
    cause="the server died, was restarted or gave up while it was sending; the head had gone out,"
    " so nobody can send the request again, and nginx counts no failure of the server",
    cure="see what the server did at these times: killed for its memory, restarted without waiting,"
    " or a time-out of its own for slow readers",
    needs="an error log of nginx, a log of an application or of a load balancer of a cloud, or a"
    " capture",
    examples=(
        Example(
            line(_CLOSED, "body", "192.0.2.1:80"),
            line(_CLOSED, "reading", "192.0.2.1:80"),  # before the answer began: SH004
            kind="error log",
        ),
        Example(
            "2026-01-05T10:00:00Z ERROR AxiosError: stream has been aborted\n",
            "2026-01-05T10:00:00Z ERROR AxiosError: socket hang up\n",
            kind="application log",
        ),
        Example(
            _ASKED + "0.002 < 200 half\n0.003 < RST\n",
            _ASKED + "0.002 < 200\n5.002 < FIN\n",
            kind="capture",
        ),
    ),
    scenario="reset-mid-body",
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    software = ("packets", *PROXY_OR_APPLICATION)
    cut = failed(evidence.logs, Reason.TRUNCATED, software=software)
    for peer, tallies in by_peer(cut).items():
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="it was seen",
            title=f"{named(peer)} ended {many(tallies, 'answer')} in the middle of the body",
            text="The client has had status 200 by then, and sees a body that is too short, or a"
            " connection that ends. It can't be sent again by the proxy.",
            advice="look at the server at these times: out of memory, restarted, or a time-out of"
            " its own",
            subject=f"log {peer}",
            quotes=quotes(tallies),
        )
