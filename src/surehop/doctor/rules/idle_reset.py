"""SH005: as SH004, where the server's end arrives as a reset."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Finding
from surehop.doctor.log_views import line
from surehop.doctor.rules.idle_meets import raced
from surehop.events import Reason

_RESET = "recv() failed (104: Connection reset by peer)"

ABOUT = About(
    id="SH005",
    name="reset-under-a-request",
    summary="a server resets connections under requests, most often ones that had been resting",
    symptom="`recv() failed (104: Connection reset by peer) while reading response header from"
    " upstream`, now and then",
    cause="as SH004: the request and the server's close cross. A server that closes with bytes"
    " unread, as Node does then, sends RST instead of FIN",
    cure="the sender's idle time-out must be the shorter one",
    needs="an error log of nginx",
    examples=(
        Example(
            line(_RESET, "reading", "192.0.2.1:80"),
            line("upstream prematurely closed connection", "reading", "192.0.2.1:80"),
            kind="error log",
        ),
    ),
    scenario="keepalive-race",
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    yield from raced(ABOUT, evidence, Reason.RESET)
