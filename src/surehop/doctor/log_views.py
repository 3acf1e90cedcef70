"""What rules ask of logs: whose tries failed, and how."""

import ipaddress
import re
from collections.abc import Iterable, Sequence

from surehop.doctor.attempts import LogFacts, Logged
from surehop.doctor.facts import Server
from surehop.doctor.finding import Quote
from surehop.events import Family, Reason

_QUOTED = 4
_LONGEST = 400
_WINDOW = 15  # seconds: fail_timeout and what the whole seconds of nginx add to it
_PORT = re.compile(r":(\d{1,5})$")
_VERSIONS = {Family.IPV4: 4, Family.IPV6: 6}
_ACTIONS = {
    "connecting": "connecting to upstream",
    "reading": "reading response header from upstream",
}


def quotes(lines: Iterable[Logged]) -> tuple[Quote, ...]:
    """Give the first lines, as they stand in the log."""
    first = list(lines)[:_QUOTED]
    return tuple(Quote(each.file, each.line, each.text[:_LONGEST]) for each in first)


def many(lines: Sequence[Logged], noun: str) -> str:
    """Count them in words: `1 time`, `3 times`."""
    return f"{len(lines)} {noun}{'s' if len(lines) > 1 else ''}"


def by_peer(tries: Iterable[Logged]) -> dict[str, list[Logged]]:
    found: dict[str, list[Logged]] = {}
    for each in tries:
        found.setdefault(each.attempt.address, []).append(each)
    return found


def before(tries: Iterable[Logged], line: Logged) -> list[Logged]:
    """Give what failed shortly before a line, `no live upstreams` aside."""
    return [
        each
        for each in tries
        if 0 <= line.seconds - each.seconds <= _WINDOW and each.attempt.reason is not Reason.NO_LIVE
    ]


def split(peer: str) -> tuple[str, int]:
    """Give the host of a peer, without brackets, and its port."""
    found = _PORT.search(peer)
    host = peer[: found.start()] if found else peer
    return host.strip("[]"), int(found[1]) if found else 0


def dead_siblings(logs: LogFacts) -> dict[str, list[Logged]]:
    """Give the loopback peers that refuse, where their sibling of the other family never does.

    Nobody writes `[::1]` beside 127.0.0.1 by hand: they come of one name. Of IPv4 ones, only those
    whose sibling was seen doing something else.
    """
    refused = by_peer(each for each in logs.tries if each.attempt.reason is Reason.REFUSED)
    seen = {each.attempt.address for each in logs.tries}
    found = {}
    for peer, lines in refused.items():
        host, port = split(peer)
        if not _loopback(host):
            continue
        four = lines[0].attempt.family is Family.IPV4
        sibling = f"[::1]:{port}" if four else f"127.0.0.1:{port}"
        if sibling not in refused and (not four or sibling in seen):
            found[peer] = lines
    return found


def refused_families(logs: LogFacts, server: Server) -> tuple[set[int], tuple[Quote, ...]]:
    """Tell which families of a server refused, where another was never seen refusing."""
    versions = {each.version for each in server.addresses or ()}
    texts = {str(each) for each in server.addresses or ()}
    tries = []
    for each in logs.tries:
        host, port = split(each.attempt.address)
        if each.attempt.reason is Reason.REFUSED and port == server.port and host in texts:
            tries.append(each)
    refused = {_VERSIONS[each.attempt.family] for each in tries if each.attempt.family in _VERSIONS}
    if not refused or refused >= versions:
        return set(), ()
    return refused, quotes(tries)


def line(message: str, action: str, peer: str, method: str = "GET") -> str:
    """Write a line as nginx does, for examples."""
    doing = f" while {_ACTIONS[action]}" if action else ""
    upstream = f', upstream: "http://{peer}/"' if peer else ""
    return (
        f"2026/01/05 10:00:00 [error] 11#11: *7 {message}{doing}, client: 192.0.2.1, server:"
        f' example.com, request: "{method} / HTTP/1.1"{upstream}, host: "example.com"\n'
    )


def _loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
