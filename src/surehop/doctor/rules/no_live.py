"""SH002: every server is counted out, so requests fail without a try."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import before, by_peer, line, many, quotes
from surehop.events import Reason

ABOUT = About(
    id="SH002",
    name="no-live-upstreams",
    summary="every server of a group is out, and requests get 502 without any attempt",
    symptom="`no live upstreams while connecting to upstream`, the group's name in `upstream:`",
    cause="each server had `max_fails` failures (one, unless said otherwise) within `fail_timeout`",
    cure="what took each of them out stands in the lines before; `max_fails=3` forgives single"
    " failures",
    needs="an error log of nginx",
    examples=(
        Example(
            line("no live upstreams", "connecting", "app"),
            line("upstream timed out (110: Connection timed out)", "reading", "192.0.2.1:80"),
            kind="error log",
        ),
    ),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    tries = evidence.logs.tries
    dead = [each for each in tries if each.attempt.reason is Reason.NO_LIVE]
    for group, lines in by_peer(dead).items():
        earlier = before(tries, lines[0])
        told = [
            f"`{peer}` ({', '.join(sorted({e.attempt.reason.value for e in every}))})"
            for peer, every in by_peer(earlier).items()
        ]
        why = f" Shortly before: {', '.join(told)}." if told else ""
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.MEDIUM,
            because="it is certain that nobody was left; why, only the lines before can tell",
            title=f"`{group}` had no live server for {many(lines, 'request')}",
            text=f"nginx answers 502 at once while all servers are out.{why}",
            advice="mend what took them out; `max_fails=3` forgives single failures",
            subject=f"log {group}",
            quotes=quotes([*earlier[:2], *lines]),
        )
