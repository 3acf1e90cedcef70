"""SH044: a server refuses, and no other address of it is known to answer."""

from collections.abc import Iterator

from surehop.conf.address import socket_text
from surehop.doctor.about import About, Example
from surehop.doctor.attempts import Tally
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import (
    APPLICATIONS,
    BALANCERS,
    NOTICES,
    by_peer,
    captured,
    dead_siblings,
    failed,
    line,
    many,
    named,
    quotes,
    refusals,
    refused_families,
    refused_ipv6,
    seconds,
    unreached,
)
from surehop.doctor.probe_views import seen
from surehop.doctor.rules.comes_and_goes import unsteady
from surehop.doctor.rules.resolved_once import moved
from surehop.events import Cause, Reason

_REFUSED = "connect() failed (111: Connection refused)"
_BEFORE = (
    " Before that it answered: it has ended, or its name stands for another address by now, and"
    " whoever asks it still has the old one (SH015)."
)
_NODE = "2026-01-05T10:00:00.250Z Error: connect ECONNREFUSED {}:3000\n"

ABOUT = About(
    id="SH044",
    name="nobody-listens",
    summary="nobody listens where a proxy, or an application, connects to",
    symptom="`connect() failed (111: Connection refused) while connecting to upstream`; in"
    " applications `connect ECONNREFUSED`, `[Errno 111] Connection refused` and the like; most"
    " requests to a target of an ALB with 502, and `-1` for each of its times",
    cause="the backend is down, restarts, or listens on another port or address",
    cure="start it, or name the address on which it listens",
    needs="an error log of nginx, a log of an application, of Envoy, or of a load balancer of a"
    " cloud, a probe, or a capture",
    examples=(
        Example(
            line(_REFUSED, "connecting", "127.0.0.1:3000"),
            line(_REFUSED, "connecting", "[::1]:3000"),  # SH001 tells of this one
            kind="error log",
        ),
        Example(
            "192.0.2.1:40000 > 192.0.2.9:3000\n0.000 > SYN\n0.001 < RST\n",
            "192.0.2.1:40000 > 192.0.2.9:3000\n0.000 > open\n0.001 < RST\n",
            kind="capture",
        ),
        Example(
            _NODE.format("127.0.0.1"),
            _NODE.format("::1"),  # SH020 tells of this one
            kind="application log",
        ),
    ),
    proof=("ss -ltnp",),
    scenario="dead-backend",
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    yield from _probed(evidence)
    yield from _logged(evidence)


def _probed(evidence: Evidence) -> Iterator[Finding]:
    for each in seen(evidence):
        taken = any(other.cause is None for other in each.sheet.addresses)
        if each.connected.cause is not Cause.REFUSED or taken:
            continue  # SH001 tells of a half
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="connecting from this machine was refused just now",
            title=f"nobody listens on `{each.connected.address}`",
            text="The machine is there, and no program takes connections on this address and port.",
            advice="see whether the backend runs, and on which address it listens",
            subject=f"probe {each.connected.address}",
            place=each.place,
            quotes=each.quotes,
        )


def _logged(evidence: Evidence) -> Iterator[Finding]:
    # Other findings tell of these.
    told = {
        *halves(evidence),
        *moved(evidence),
        *refused_ipv6(evidence.logs),
        *unsteady(evidence),
    }
    answered = _answered(evidence)
    asked = failed(evidence.logs, Reason.REFUSED, software=(NOTICES, *BALANCERS, *APPLICATIONS))
    refused = by_peer([*refusals(evidence.logs), *asked])
    for peer, tallies in refused.items():
        if peer in told:
            continue
        span = f" in {seconds(tallies)}s" if all(each.first_ms for each in tallies) else ""
        total = f"{many(tallies, 'connection')} refused{span}"
        gone = min(each.first_ms for each in tallies)
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="the system said so; whether it was for a restart only, the times tell",
            title=f"nobody listened{f' on `{peer}`' if peer else ''}: {total}",
            text="The machine is there, and no program takes connections on this address and port."
            + (_BEFORE if answered.get(peer, gone) < gone else ""),
            advice="see whether the backend runs, and on which address it listens",
            subject=f"log {peer}",
            quotes=quotes(tallies),
        )
    for peer, tallies in unreached(evidence.logs).items():
        if peer not in {*refused, *told}:
            yield _unreached(peer, tallies)


def _unreached(peer: str, tallies: list[Tally]) -> Finding:
    return ABOUT.found(
        Severity.ERROR,
        Confidence.MEDIUM,
        because="the log does not tell why connecting failed; refused is what it is most often",
        title=f"no connection to {named(peer)} came about, {many(tallies, 'time')}",
        text="The server is down, refuses, or listens somewhere else; more seldom a firewall or a"
        " route is in the way.",
        advice="see whether the backend runs, and on which address it listens",
        subject=f"log unreached {peer}",
        quotes=quotes(tallies),
    )


def _answered(evidence: Evidence) -> dict[str, int]:
    """Give the peers that answered, and when they did first; 0 where that is not known."""
    shares = [share for each in evidence.logs.traffic.values() for share in each.peers.items()]
    known = {peer: 0 for peer, share in shares if share.requests > share.failures}
    return {each.peer: each.first_ms for each in captured(evidence.logs, "accepted")} | known


def halves(evidence: Evidence) -> Iterator[str]:
    """Give the refusing addresses of names of which SH001 tells."""
    yield from dead_siblings(evidence.logs)
    for configuration in evidence.nginx:
        for group in configuration.groups:
            for server in group.servers:
                refused, _ = refused_families(evidence.logs, server)
                for address in server.addresses or ():
                    if address.version in refused:
                        yield socket_text(address, server.port)
    for configuration in evidence.haproxy:
        for group in configuration.groups:
            yield from (f"{group.name}/{each.name}" for each in group.servers if each.own_machine)
