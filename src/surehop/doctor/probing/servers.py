"""The servers of configurations, as hops: each once."""

from collections.abc import Iterable, Iterator

from surehop.doctor.facts import Configuration, Group, Server, Software
from surehop.doctor.probing.hop import Hop


def hops_of(configurations: Iterable[Configuration]) -> dict[Hop, Server]:
    """Give a hop for each server that takes part, with one of the lines that name it."""
    found: dict[tuple[str, int, str], tuple[Hop, Server]] = {}
    for configuration in configurations:
        for hop, server in _servers(configuration):
            before = found.get(hop.key, (hop, server))[0]
            longest = max(hop.idle_ms or 0, before.idle_ms or 0)
            kept = before if before.talks else hop
            found[hop.key] = (kept._replace(idle_ms=longest), server)
    return dict(found.values())


def key_of(server: Server) -> tuple[str, int, str]:
    """Know the server of a hop again."""
    return _hop(server).key


def _servers(configuration: Configuration) -> Iterator[tuple[Hop, Server]]:
    for group in configuration.groups:
        scheme = _scheme(configuration, group)
        # A connection that nobody keeps is of no interest when it rests.
        idle = group.rests_ms if _keeps(group) else 0
        for server in group.servers:
            if server.down or not (server.port or server.unix):
                continue
            hop = _hop(server)._replace(tls=scheme == "https", talks=bool(scheme), idle_ms=idle)
            yield hop, server


def _hop(server: Server) -> Hop:
    return Hop(server.host, server.port, unix=server.unix)


def _scheme(configuration: Configuration, group: Group) -> str:
    """Tell how requests go to a group: `http`, `https`, or "" for what is no HTTP/1."""
    if configuration.software is not Software.NGINX:
        return ""
    for each in configuration.passes_to(group):
        scheme = each.word.partition("://")[0].lower()
        if each.kind == "proxy_pass" and scheme in {"http", "https"}:
            return scheme
    return ""


def _keeps(group: Group) -> bool:
    return group.software is Software.NGINX and group.explicit and group.keepalive != 0
