"""SH018: nginx does not start, since a name has no address."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import many, quotes, told

_HEAD = "2026/01/05 10:00:00 [emerg] 1#1: "

ABOUT = About(
    id="SH018",
    name="name-missing-at-start",
    summary="nginx refuses to start, or to reload, since a name can't be resolved",
    symptom='`[emerg] host not found in upstream "NAME"`',
    cause="names of servers are resolved when the configuration is read, and all must be found",
    cure="start after the name is there, or `resolve` it while running: `zone`, `resolver`,"
    " `server NAME resolve`",
    needs="an error log of nginx",
    examples=(
        Example(
            f'{_HEAD}host not found in upstream "app:3000" in /etc/nginx/nginx.conf:7\n',
            f'{_HEAD}unknown directive "sever" in /etc/nginx/nginx.conf:7\n',
            kind="error log",
        ),
    ),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    tallies = told(evidence.logs, "host not found")
    if tallies:
        times = many(tallies, "time")
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="the log says so",
            title=f"nginx refused its configuration, {times}: a name had no address",
            text="All names of servers must be found when nginx starts or reloads.",
            advice="start later, or let nginx resolve while it runs: `zone`, `resolver`, `resolve`",
            subject="log host not found",
            quotes=quotes(tallies),
        )
