"""SH017: nginx's resolver does not find what the system's does."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import line, many, quotes, told

ABOUT = About(
    id="SH017",
    name="resolver-does-not-find",
    summary="`resolver` does not find a name that `ping` finds",
    symptom="`NAME could not be resolved (3: Host not found)`",
    cause="nginx's resolver asks for the name as it is: no search domains, no /etc/hosts",
    cure="write the full name, as `app.default.svc.cluster.local`",
    needs="an error log of nginx",
    examples=(
        Example(
            line("app could not be resolved (3: Host not found)", "", ""),
            line("connect() failed (111: Connection refused)", "connecting", "192.0.2.1:80"),
            kind="error log",
        ),
    ),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    tallies = told(evidence.logs, "not resolved")
    if tallies:
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.MEDIUM,
            because="the name may also be wrong, or its server away",
            title=f"a name could not be resolved, {many(tallies, 'time')}",
            text="nginx's `resolver` knows neither search domains nor /etc/hosts, so a short name"
            " that `ping` finds is not found here.",
            advice="write the full name; ask that resolver for it with `dig @RESOLVER NAME`",
            subject="log not resolved",
            quotes=quotes(tallies),
        )
