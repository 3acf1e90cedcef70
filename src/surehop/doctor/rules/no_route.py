"""SH019: an address that this machine has no way to."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import by_peer, failed, line, many, quotes
from surehop.doctor.probe_views import seen
from surehop.events import Cause, Family, Reason

_TEXT = (
    "Each request that nginx gives this address fails at once and goes on to another, if there is"
    " one."
)
_SIX = "`resolver … ipv6=off`, or write the IPv4 address"
_FOUR = "look at the routes of this machine, and whether the server is there"

ABOUT = About(
    id="SH019",
    name="no-route",
    summary="a name has an address to which there is no way, most often an IPv6 one",
    symptom="`connect() to [2001:db8::7]:443 failed (101: Network is unreachable)`",
    cause="the name has IPv6 addresses, and the machine has no IPv6 to the outside",
    cure="`resolver … ipv6=off`, or write the IPv4 address, or give the machine IPv6",
    needs="an error log of nginx, or a probe",
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
    yield from _probed(evidence)
    yield from _logged(evidence)


def _probed(evidence: Evidence) -> Iterator[Finding]:
    for each in seen(evidence):
        if each.connected.cause is not Cause.UNREACHABLE:
            continue
        six = each.connected.ip is not None and each.connected.ip.version == 6  # noqa: PLR2004
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="connecting from this machine was tried just now",
            title=f"there is no way to `{each.connected.address}` from here",
            text=_TEXT,
            advice=_SIX if six else _FOUR,
            subject=f"probe {each.connected.address}",
            place=each.place,
            quotes=each.quotes,
        )


def _logged(evidence: Evidence) -> Iterator[Finding]:
    for peer, tallies in by_peer(failed(evidence.logs, Reason.UNREACHABLE)).items():
        six = tallies[0].family is Family.IPV6
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="the system said so",
            title=f"there is no way to `{peer}` ({many(tallies, 'time')})",
            text=_TEXT,
            advice=_SIX if six else _FOUR,
            subject=f"log {peer}",
            quotes=quotes(tallies),
        )
