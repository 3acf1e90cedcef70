"""SH017: a name is not found: by nginx's resolver, which knows less, or by the system's."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import (
    APPLICATIONS,
    BALANCERS,
    by_peer,
    failed,
    line,
    many,
    quotes,
    told,
)
from surehop.events import Reason

ABOUT = About(
    id="SH017",
    name="resolver-does-not-find",
    summary="`resolver` does not find a name that `ping` finds",
    symptom="`NAME could not be resolved (3: Host not found)`; in applications"
    " `getaddrinfo ENOTFOUND`, `[Errno -2] Name or service not known`",
    cause="nginx's resolver asks for the name as it is: no search domains, no /etc/hosts",
    cure="write the full name, as `app.default.svc.cluster.local`",
    needs="an error log of nginx, a log of an application, or of a load balancer of a cloud",
    examples=(
        Example(
            line("app could not be resolved (3: Host not found)", "", ""),
            line("connect() failed (111: Connection refused)", "connecting", "192.0.2.1:80"),
            kind="error log",
        ),
        Example(
            "2026-01-05T10:00:00Z Error: getaddrinfo ENOTFOUND app.internal\n",
            "2026-01-05T10:00:00Z Error: connect ECONNREFUSED 192.0.2.1:80\n",
            kind="application log",
        ),
    ),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    yield from _by_nginx(evidence)
    yield from _by_applications(evidence)


def _by_nginx(evidence: Evidence) -> Iterator[Finding]:
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


def _by_applications(evidence: Evidence) -> Iterator[Finding]:
    lost = failed(evidence.logs, Reason.RESOLVE_FAILED, software=(*BALANCERS, *APPLICATIONS))
    for name, tallies in by_peer(lost).items():
        what = f"`{name}`" if name else "a name"
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.MEDIUM,
            because="the name may be wrong, or its server away: the log does not tell",
            title=f"{what} could not be resolved, {many(tallies, 'time')}",
            text="The system was asked for the addresses of the name, and gave none. Where it is"
            " found at other times, the name server did not answer.",
            advice="ask as the program does, on its machine: `getent ahosts NAME`",
            subject=f"log not resolved {name}",
            quotes=quotes(tallies),
        )
