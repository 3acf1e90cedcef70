"""SH012: no local port is left to connect from."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import (
    PROXY_OR_APPLICATION,
    by_peer,
    failed,
    line,
    many,
    named,
    quotes,
)
from surehop.doctor.probe_views import seen
from surehop.events import Reason

_MUCH = 0.5
_TEXT = (
    "Each connection that is closed keeps its port for a minute. Where every request makes one,"
    " some hundred requests a second use all ports up."
)
_ADVICE = (
    "keep connections: in nginx an `upstream` with `keepalive` (see SH010 and SH011), in a program"
    " one client or agent for all requests"
)

ABOUT = About(
    id="SH012",
    name="ports-used-up",
    summary="connections to one server have used up the local ports",
    symptom="`(99: Cannot assign requested address) while connecting to upstream`; in applications"
    " EADDRNOTAVAIL, `[Errno 99]`",
    cause="every closed connection keeps its port in TIME_WAIT for a minute",
    cure="keep connections (`upstream` with `keepalive`); then more ports, or more addresses",
    needs="an error log of nginx, a log of an application, or a probe on the machine of the proxy",
    examples=(
        Example(
            line(
                "connect() to 192.0.2.1:80 failed (99: Cannot assign requested address)",
                "connecting",
                "192.0.2.1:80",
            ),
            line("connect() failed (111: Connection refused)", "connecting", "192.0.2.1:80"),
            kind="error log",
        ),
        Example(
            "2026-01-05T10:00:00Z Error: connect EADDRNOTAVAIL 192.0.2.1:80 - Local (0.0.0.0:0)\n",
            "2026-01-05T10:00:00Z Error: connect ECONNREFUSED 192.0.2.1:80\n",
            kind="application log",
        ),
    ),
    proof=("ss -tan state time-wait | wc -l", "sysctl net.ipv4.ip_local_port_range"),
    scenario="port-exhaustion",
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    yield from _probed(evidence)
    yield from _logged(evidence)


def _probed(evidence: Evidence) -> Iterator[Finding]:
    for each in seen(evidence):
        ports = each.connected.ports
        if ports is None or ports.resting < ports.all * _MUCH:
            continue
        yield ABOUT.found(
            Severity.WARNING,
            Confidence.HIGH,
            because="this machine's sockets were counted just now; another's were not",
            title=f"{ports.resting} of {ports.all} local ports are held by closed connections to"
            f" `{each.connected.address}`",
            text=_TEXT,
            advice=_ADVICE,
            subject=f"probe {each.connected.address}",
            place=each.place,
            quotes=each.quotes,
        )


def _logged(evidence: Evidence) -> Iterator[Finding]:
    for peer, tallies in by_peer(
        failed(evidence.logs, Reason.NO_PORTS, software=PROXY_OR_APPLICATION)
    ).items():
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="the system said so",
            title=f"no local port was left to connect to {named(peer)}, {many(tallies, 'time')}",
            text=_TEXT,
            advice=_ADVICE,
            subject=f"log {peer}",
            quotes=quotes(tallies),
        )
