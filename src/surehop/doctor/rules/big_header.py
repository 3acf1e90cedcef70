"""SH035: the head of an answer does not fit."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import BALANCERS, by_peer, failed, line, many, named, quotes
from surehop.events import Reason

ABOUT = About(
    id="SH035",
    name="header-too-big",
    summary="an answer's head is larger than `proxy_buffer_size`",
    symptom="502, and `upstream sent too big header while reading response header from upstream`",
    cause="the whole head must fit into one buffer, 4k or 8k unless said otherwise; large cookies"
    " and tokens do not",
    cure="`proxy_buffer_size 16k; proxy_buffers 8 16k; proxy_busy_buffers_size 32k;`",
    needs="an error log of nginx, or a log of a load balancer of Google Cloud",
    examples=(
        Example(
            line("upstream sent too big header", "reading", "192.0.2.1:80"),
            line("upstream timed out (110: Connection timed out)", "reading", "192.0.2.1:80"),
            kind="error log",
        ),
    ),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    big = failed(evidence.logs, Reason.TOO_BIG, software=("nginx", *BALANCERS))
    for peer, tallies in by_peer(big).items():
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="the log says so",
            title=f"{named(peer)} sent {many(tallies, 'answer')} whose head does not fit",
            text="The proxy answers 502 instead. Most often it is a large cookie or token.",
            advice=ABOUT.cure,
            subject=f"log {peer}",
            quotes=quotes(tallies),
        )
