"""SH007: a POST dies where a GET would have been sent again."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import by_peer, failed, line, many, quotes
from surehop.events import Reason

_DEAD = (Reason.CLOSED, Reason.RESET, Reason.BROKEN)

ABOUT = About(
    id="SH007",
    name="lost-writes",
    summary="a POST meets a closed connection, and nobody sends it again",
    symptom="502 for POST where GET is fine",
    cause="nginx does not send a POST, PATCH or LOCK again once it has begun to send it",
    cure="let the proxy's idle time-out be shorter than the backend's, so that it does not happen;"
    " an Idempotency-Key makes it safe to send again",
    needs="an error log of nginx, or an access log with `$upstream_addr` and `$upstream_status`",
    examples=(
        Example(
            line("upstream prematurely closed connection", "reading", "192.0.2.1:80", "POST"),
            line("upstream prematurely closed connection", "reading", "192.0.2.1:80", "GET"),
            kind="error log",
        ),
    ),
    scenario="keepalive-race",
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    lost = [each for each in failed(evidence.logs, *_DEAD) if each.write]
    for peer, tallies in by_peer(lost).items():
        yield ABOUT.found(
            Severity.WARNING,
            Confidence.MEDIUM,
            because="with `non_idempotent` in `proxy_next_upstream` they would have gone on",
            title=f"{many(tallies, 'request')} that write died at `{peer}`: 502",
            text="The connection ended before an answer. A GET would have gone on to another"
            " server or connection; these may or may not have been done.",
            advice="shorten the upstream's `keepalive_timeout`; see SH004",
            subject=f"log {peer}",
            quotes=quotes(tallies),
        )
