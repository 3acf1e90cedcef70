"""What rules ask of logs: whose tries failed, and how."""

import ipaddress
import re
from collections.abc import Collection, Iterable

from surehop.doctor.attempts import Line, LogFacts, Tally
from surehop.doctor.evidence import Version
from surehop.doctor.facts import Server
from surehop.doctor.finding import Quote
from surehop.doctor.words import counted
from surehop.events import Family, Reason

_QUOTED = 4
# Of the requests to a target, from when on it is no race that so many were not sent, or failed.
_UNSENT = 0.3
_DEAD = 0.9
_ENOUGH = 5
_FAILED = 500
_BARELY = "try "  # how the words begin in which access logs tell of tries
_LONGEST = 400
_VERSION = re.compile(r"\d{1,4}\.\d{1,4}\.\d{1,4}")
_PORT = re.compile(r":(\d{1,5})$")
_VERSIONS = {Family.IPV4: 4, Family.IPV6: 6}
# Under which names the clients of Node log, and all that live in applications.
NODE = ("node", "axios", "axios-retry", "undici")
APPLICATIONS = (
    *(*NODE, "python", "httpx", "requests", "urllib3", "aiohttp"),
    *("hyper", "go", "traefik", "caddy", "surehop", "java", "dotnet", "curl", "ruby"),
)
# What HAProxy says beside its lines of requests: of servers that are down, and of itself.
NOTICES = "haproxy notices"
# Those of clouds, whose logs have words of their own, as Envoy's have flags.
BALANCERS = ("alb", "gcp")
PROXY_OR_APPLICATION = ("nginx", NOTICES, *BALANCERS, *APPLICATIONS)
# How a connection ends before an answer.
ENDED = (
    *(Reason.CLOSED, Reason.RESET, Reason.REUSED_CLOSED, Reason.REUSED_RESET),
    Reason.REUSED_UNSENT,
)
_ACTIONS = {
    "connecting": "connecting to upstream",
    "reading": "reading response header from upstream",
    "body": "reading upstream",
}


def version_of(logs: LogFacts) -> Version | None:
    """Give the version that nginx said last when it started."""
    said = [each for each in told(logs, "version") if _VERSION.fullmatch(each.peer)]
    if not said:
        return None
    major, minor, patch = max(said, key=lambda each: each.last_ms).peer.split(".")
    return int(major), int(minor), int(patch)


def failed(logs: LogFacts, *reasons: Reason, software: Collection[str] = ("nginx",)) -> list[Tally]:
    """Give the tries that failed for one of these reasons: nginx's, unless others are named.

    An access log tells of a try only that it failed, so it is not heard where the error log says
    how: they would be counted twice.
    """
    every = [each for each in logs.tallies if each.software in software and each.reason]
    explained = {each.peer for each in every if not each.word.startswith(_BARELY)}
    return [
        each
        for each in every
        if each.reason in reasons and not (each.word.startswith(_BARELY) and each.peer in explained)
    ]


def captured(logs: LogFacts, *words: str) -> list[Tally]:
    """Give what packets told in one of these words."""
    return [each for each in logs.tallies if each.software == "packets" and each.word in words]


def count(tallies: Iterable[Tally]) -> int:
    return sum(each.count for each in tallies)


def taken_out(logs: LogFacts, *reasons: Reason) -> set[str]:
    """Give the peers that this took out just before nobody was left, or that a check found so."""
    before = {each.peer for o in logs.outages for each in o.before if each.reason in reasons}
    noticed = [each for each in logs.tallies if each.software == NOTICES]
    return before | {each.peer for each in noticed if each.reason in reasons}


def refusals(logs: LogFacts) -> list[Tally]:
    """Give the connections that were refused, by logs and by packets."""
    return [
        *failed(logs, Reason.REFUSED, software=("nginx", "envoy")),
        *captured(logs, "refused"),
    ]


def _turned_down(logs: LogFacts) -> list[Tally]:
    """Give the refusals; where nobody tells of one, the failures of which no more is known."""
    return refusals(logs) or failed(logs, Reason.BROKEN)


def told(logs: LogFacts, word: str) -> list[Tally]:
    """Give what was said in this word, whether a try failed or not."""
    return [each for each in logs.tallies if each.word == word]


def many(tallies: Iterable[Tally], noun: str) -> str:
    """Count in words: `1 time`, `3 times`."""
    return counted(count(tallies), noun)


def seconds(tallies: Iterable[Tally]) -> int:
    """Tell how long it was from the first line to the last."""
    every = list(tallies)
    return (max(each.last_ms for each in every) - min(each.first_ms for each in every)) // 1000


def unreached(logs: LogFacts) -> dict[str, list[Tally]]:
    """Give the peers to which no connection came about, where the log does not say why.

    AWS's balancer does not tell that from a kept connection that was closed: there it must be a
    large part of the requests, or else all that failed, and nearly every one.
    """
    found = {}
    lost = failed(logs, Reason.CONNECT_FAILED, software=(*BALANCERS, *APPLICATIONS))
    ended = by_peer(failed(logs, *ENDED, software=("alb",)))
    # Where nothing went well, somebody may have picked the lines that did not.
    whole = any(status < _FAILED for each in logs.traffic.values() for status in each.statuses)
    by_alb = by_peer(each for each in lost if each.software == "alb")
    for peer in {**by_alb, **ended}:
        unsent, dead = by_alb.get(peer, []), ended.get(peer, [])
        requests = sum(t.peers[peer].requests for t in logs.traffic.values() if peer in t.peers)
        every = [*unsent, *dead]
        down = count(unsent) > requests * _UNSENT or (whole and count(every) > requests * _DEAD)
        if down and count(every) >= _ENOUGH:
            found[peer] = every
    others = by_peer(each for each in lost if each.software != "alb")
    return {**found, **others}


def lines(tallies: Iterable[Tally]) -> list[Line]:
    """Give the earliest lines, in the order of time."""
    every = [line for each in tallies for line in each.kept]
    return sorted(every, key=lambda each: (each.at_ms, each.file, each.line))


def quotes(tallies: Iterable[Tally]) -> tuple[Quote, ...]:
    """Give the first lines, as they stand in the log."""
    return quoted(lines(tallies))


def quoted(some: Iterable[Line]) -> tuple[Quote, ...]:
    """Give the first of these lines."""
    first = list(some)[:_QUOTED]
    return tuple(Quote(each.file, each.line, each.text[:_LONGEST]) for each in first)


def by_peer(tallies: Iterable[Tally]) -> dict[str, list[Tally]]:
    found: dict[str, list[Tally]] = {}
    for each in tallies:
        found.setdefault(each.peer, []).append(each)
    return found


def by_reason(tallies: Iterable[Tally]) -> dict[Reason | None, list[Tally]]:
    found: dict[Reason | None, list[Tally]] = {}
    for each in tallies:
        found.setdefault(each.reason, []).append(each)
    return found


def named(peer: str) -> str:
    return f"`{peer}`" if peer else "a server"


def where(tallies: Iterable[Tally]) -> str:
    """Name the first peers, in brackets; nothing where no line names one."""
    peers = list(dict.fromkeys(each.peer for each in tallies if each.peer))
    return f" ({', '.join(f'`{peer}`' for peer in peers[:3])})" if peers else ""


def target(line: Line, peer: str) -> str:
    """Give what was asked for: what is behind the peer in a URL, or what an access log has."""
    return line.upstream.partition(peer)[2] if "://" in line.upstream else line.upstream


def split(peer: str) -> tuple[str, int]:
    """Give the host of a peer, without brackets, and its port."""
    found = _PORT.search(peer)
    host = peer[: found.start()] if found else peer
    return host.strip("[]"), int(found[1]) if found else 0


def dead_siblings(logs: LogFacts) -> dict[str, list[Tally]]:
    """Give the loopback peers that refuse, where their sibling of the other family never does.

    Nobody writes `[::1]` beside 127.0.0.1 by hand: they come of one name. Of IPv4 ones, only those
    whose sibling was seen doing something else.
    """
    # Envoy's access log, without details, tells only that connecting failed, and to one's own
    # machine that is as good as refused.
    bare = failed(logs, Reason.CONNECT_FAILED, software=("envoy",))
    refused = by_peer([*_turned_down(logs), *bare])
    seen = {each.peer for each in (*failed(logs, *Reason), *captured(logs, "accepted"))}
    found = {}
    for peer, tallies in refused.items():
        host, port = split(peer)
        if not _loopback(host):
            continue
        four = tallies[0].family is Family.IPV4
        sibling = f"[::1]:{port}" if four else f"127.0.0.1:{port}"
        if sibling not in refused and (not four or sibling in seen):
            found[peer] = tallies
    return found


def refused_ipv6(logs: LogFacts) -> dict[str, list[Tally]]:
    """Give the `::1` at which Node is refused, where 127.0.0.1 was never seen refusing it."""
    refused = by_peer(failed(logs, Reason.REFUSED, software=NODE))
    return {
        peer: tallies
        for peer, tallies in refused.items()
        if split(peer)[0] == "::1" and f"127.0.0.1:{split(peer)[1]}" not in refused
    }


def refused_families(logs: LogFacts, server: Server) -> tuple[set[int], tuple[Quote, ...]]:
    """Tell which families of a server refused, where another was never seen refusing."""
    versions = {each.version for each in server.addresses or ()}
    texts = {str(each) for each in server.addresses or ()}
    tries = []
    for each in _turned_down(logs):
        host, port = split(each.peer)
        if port == server.port and host in texts:
            tries.append(each)
    refused = {_VERSIONS[each.family] for each in tries if each.family in _VERSIONS}
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
