"""SH002: every server is counted out, so requests fail without a try."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import (
    BALANCERS,
    by_peer,
    failed,
    line,
    lines,
    many,
    quoted,
    quotes,
)
from surehop.events import Reason

ABOUT = About(
    id="SH002",
    name="no-live-upstreams",
    summary="every server of a group is out, and requests get 502 without any attempt",
    symptom="`no live upstreams while connecting to upstream`, the group's name in `upstream:`",
    cause="each server had `max_fails` failures (one, unless said otherwise) within `fail_timeout`",
    cure="what took each of them out stands in the lines before; `max_fails=3` forgives single"
    " failures",
    needs="an error log of nginx, an access log with `$upstream_addr` and `$upstream_status`, or a"
    " log of a load balancer of a cloud",
    examples=(
        Example(
            line("no live upstreams", "connecting", "app"),
            line("upstream timed out (110: Connection timed out)", "reading", "192.0.2.1:80"),
            kind="error log",
        ),
    ),
    scenario="race-meets-two-stacks",
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    yield from _of_nginx(evidence)
    yield from _of_clouds(evidence)


def _of_nginx(evidence: Evidence) -> Iterator[Finding]:
    for group, tallies in by_peer(failed(evidence.logs, Reason.NO_LIVE)).items():
        first = next((each for each in evidence.logs.outages if each.group == group), None)
        before = first.before if first else ()
        reasons: dict[str, set[str]] = {}
        for each in before:
            reasons.setdefault(each.peer, set()).add(each.reason.value)
        said = [f"`{peer}` ({', '.join(sorted(every))})" for peer, every in reasons.items()]
        why = f" Shortly before: {', '.join(said)}." if said else ""
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.LOW if before else Confidence.MEDIUM,
            because="it is certain that nobody was left; why, "
            + ("the findings about its servers tell" if before else "no line before it tells"),
            title=f"`{group}` had no live server for {many(tallies, 'request')}",
            text=f"nginx answers 502 at once while all servers are out.{why}",
            advice="mend what took them out; `max_fails=3` forgives single failures",
            subject=f"log {group}",
            quotes=quoted([*(each.line for each in before[:2]), *lines(tallies)]),
        )


def _of_clouds(evidence: Evidence) -> Iterator[Finding]:
    tallies = failed(evidence.logs, Reason.NO_LIVE, software=BALANCERS)
    if tallies:
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.MEDIUM,
            because="it is certain that nobody was left; why, the health checks' own log must tell",
            title=f"the load balancer had no target for {many(tallies, 'request')}",
            text="None is registered, or none passed its health checks, and the balancer answers"
            " 503 or 502 by itself.",
            advice="look at the health of the targets at these times, and at what else failed there"
            " just before",
            subject="log balancer",
            quotes=quotes(tallies),
        )
