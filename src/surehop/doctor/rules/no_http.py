"""SH048: what a server answers is not HTTP."""

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

ABOUT = About(
    id="SH048",
    name="answers-are-not-http",
    summary="what a server answers can't be read as HTTP",
    symptom="`upstream sent no valid HTTP/1.0 header`, `upstream sent invalid header`; in"
    " applications `Parse Error`, `malformed HTTP status code`; 502 of an ALB with another status"
    " of the target",
    cause="another protocol on that port (TLS, HTTP/2 without TLS, FastCGI), or a server that"
    " writes a broken head",
    cure="`https://`, `grpc_pass` or `fastcgi_pass` where that is spoken; else mend the server",
    needs="an error log of nginx, a log of an application, or of a load balancer of a cloud",
    examples=(
        Example(
            line("upstream sent no valid HTTP/1.0 header", "reading", "192.0.2.1:443"),
            line(  # that is SH009
                'upstream sent "Content-Length" and "Transfer-Encoding" headers at the same time',
                *("reading", "192.0.2.1:80"),
            ),
            kind="error log",
        ),
    ),
    proof=(r"printf 'GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n' | nc 192.0.2.1 PORT",),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    invalid = failed(evidence.logs, Reason.INVALID, software=PROXY_OR_APPLICATION)
    broken = [each for each in invalid if each.word == "invalid"]
    for peer, tallies in by_peer(broken).items():
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="the log says so",
            title=f"{named(peer)} sent {many(tallies, 'answer')} that can't be read",
            text="It is not HTTP as it should be, and a proxy answers 502 instead. The first bytes"
            " tell what is spoken there.",
            advice="ask that port by hand, and compare with what the configuration says it speaks",
            subject=f"log {peer}",
            quotes=quotes(tallies),
        )
