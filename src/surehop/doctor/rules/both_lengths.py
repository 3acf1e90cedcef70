"""SH009: a backend says twice how long its answer is."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import by_peer, line, quotes, told
from surehop.doctor.probe_views import said

_SAID = 'upstream sent "Content-Length" and "Transfer-Encoding" headers at the same time'

ABOUT = About(
    id="SH009",
    name="both-lengths",
    summary="the backend sends Content-Length and Transfer-Encoding together",
    symptom="502 for every answer of this kind, often since an upgrade to nginx 1.29.7 or later",
    cause="nginx 1.29.7 talks HTTP/1.1 to servers, and such an answer can be read in two ways",
    cure="mend the backend; until then `proxy_http_version 1.0;`",
    needs="an error log of nginx, or a probe",
    examples=(
        Example(
            line(_SAID, "reading", "192.0.2.1:80"),
            line("upstream sent too big header", "reading", "192.0.2.1:80"),
            kind="error log",
        ),
    ),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    yield from _probed(evidence)
    yield from _logged(evidence)


def _probed(evidence: Evidence) -> Iterator[Finding]:
    for sheet in evidence.probes:
        if sheet.answered and sheet.answered.both_lengths:
            yield ABOUT.found(
                Severity.ERROR,
                Confidence.HIGH,
                because="an answer was asked for just now",
                title=f"`{sheet.asked}` sends Content-Length and Transfer-Encoding in one answer",
                text="nginx 1.29.7 and later refuse such an answer, since its end can be read in"
                " two ways; clients may read it differently.",
                advice=ABOUT.cure,
                subject=f"probe {sheet.asked}",
                quotes=(said(sheet, f"{sheet.answered.status} with both headers"),),
            )


def _logged(evidence: Evidence) -> Iterator[Finding]:
    for peer, tallies in by_peer(told(evidence.logs, "both lengths")).items():
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="the log says so",
            title=f"`{peer}` sends Content-Length and Transfer-Encoding in one answer",
            text="nginx refuses such an answer, since its end can be read in two ways.",
            advice="mend the backend; until then `proxy_http_version 1.0;`",
            subject=f"log {peer}",
            quotes=quotes(tallies),
        )
