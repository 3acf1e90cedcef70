"""SH048: what a server answers is not HTTP."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import by_peer, failed, line, many, quotes
from surehop.events import Reason

ABOUT = About(
    id="SH048",
    name="answers-are-not-http",
    summary="nginx can't read what a server answers",
    symptom="`upstream sent no valid HTTP/1.0 header`, `upstream sent invalid header`",
    cause="another protocol on that port (TLS, HTTP/2 without TLS, FastCGI), or a server that"
    " writes a broken head",
    cure="`https://`, `grpc_pass` or `fastcgi_pass` where that is spoken; else mend the server",
    needs="an error log of nginx",
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
    broken = [each for each in failed(evidence.logs, Reason.INVALID) if each.word == "invalid"]
    for peer, tallies in by_peer(broken).items():
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="the log says so",
            title=f"`{peer}` sent {many(tallies, 'answer')} that nginx can't read",
            text="nginx answers 502 instead. The first bytes tell what is spoken there.",
            advice="ask that port by hand, and compare with what the configuration says it speaks",
            subject=f"log {peer}",
            quotes=quotes(tallies),
        )
