"""SH019: an address that this machine has no way to."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import by_peer, failed, line, many, quotes
from surehop.events import Family, Reason

ABOUT = About(
    id="SH019",
    name="no-route",
    summary="a name has an address to which there is no way, most often an IPv6 one",
    symptom="`connect() to [2001:db8::7]:443 failed (101: Network is unreachable)`",
    cause="the name has IPv6 addresses, and the machine has no IPv6 to the outside",
    cure="`resolver … ipv6=off`, or write the IPv4 address, or give the machine IPv6",
    needs="an error log of nginx",
    examples=(
        Example(
            line(
                "connect() to [2001:db8::7]:443 failed (101: Network is unreachable)",
                "connecting",
                "[2001:db8::7]:443",
            ),
            line("connect() failed (111: Connection refused)", "connecting", "[2001:db8::7]:443"),
            kind="error log",
        ),
    ),
    proof=("ip -6 route get 2001:db8::7",),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for peer, tallies in by_peer(failed(evidence.logs, Reason.UNREACHABLE)).items():
        six = tallies[0].family is Family.IPV6
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="the system said so",
            title=f"there is no way to `{peer}` ({many(tallies, 'time')})",
            text="Each request that nginx gives this address fails at once and goes on to another,"
            " if there is one.",
            advice="`resolver … ipv6=off`, or write the IPv4 address"
            if six
            else "look at the routes of this machine, and whether the server is there",
            subject=f"log {peer}",
            quotes=quotes(tallies),
        )
