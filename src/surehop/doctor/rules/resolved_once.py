"""SH015: a name is resolved at start and never again."""

from collections.abc import Iterator, Sequence

from surehop.conf.address import socket_text
from surehop.doctor.about import About, Example
from surehop.doctor.attempts import Tally
from surehop.doctor.evidence import Evidence
from surehop.doctor.facts import Group, Server
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import captured, dead_siblings, failed, quotes, split
from surehop.events import Reason

ABOUT = About(
    id="SH015",
    name="name-resolved-once",
    summary="nginx asks for a name's addresses when it starts, and keeps them until it is reloaded",
    symptom="requests go to an old address until nginx is restarted",
    cause="names of servers are resolved when the configuration is read",
    cure="`resolve` on the server, with a `zone` in the upstream and a `resolver`",
    needs="a configuration; with a log of nginx or a capture it sees an address that has moved",
    examples=(
        Example(
            "upstream app { server app.internal:3000; }",
            "resolver 192.0.2.53;\n"
            "upstream app { zone app 64k; server app.internal:3000 resolve; }",
            names={"app.internal": "192.0.2.7"},
        ),
    ),
    scenario="dns-flip",
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for configuration in evidence.nginx:
        for group in configuration.groups:
            for server in group.servers:
                if not server.named or server.resolve:
                    continue
                old = _old(evidence, server)
                if old:
                    yield _moved(group, server, old)
                elif not any(each.is_loopback for each in server.addresses or ()):
                    yield _may_move(group, server)


def moved(evidence: Evidence) -> set[str]:
    """Give the peers that a name was once, and at which requests fail now."""
    return {
        each.peer
        for configuration in evidence.nginx
        for group in configuration.groups
        for server in group.servers
        if server.named and not server.resolve
        for each in _old(evidence, server)
    }


def _may_move(group: Group, server: Server) -> Finding:
    return ABOUT.found(
        Severity.INFO,
        Confidence.LOW,
        because="only whoever runs the name knows whether its addresses ever change",
        title=f"`{server.host}` is resolved once, at start",
        text="If its addresses change, nginx goes on with the old ones until it is reloaded.",
        advice="where addresses change: `resolve`, with a `zone` and a `resolver`",
        subject=f"{group.name} {server.text}",
        place=server.host_place,
    )


def _moved(group: Group, server: Server, old: Sequence[Tally]) -> Finding:
    seen = ", ".join(dict.fromkeys(f"`{each.peer}`" for each in old))
    now = ", ".join(f"`{socket_text(each, server.port)}`" for each in server.addresses or ())
    return ABOUT.found(
        Severity.ERROR,
        Confidence.MEDIUM,
        because="no server of the configuration has the address that the log names last; nginx may"
        " have been reloaded since",
        title=f"`{server.host}` is {now}, and nginx goes to {seen}",
        text="The name had another address when nginx started, and nginx keeps it until a reload.",
        advice="reload nginx; then `resolve` on the server, with a `zone` and a `resolver`",
        subject=f"{group.name} {server.text}",
        place=server.host_place,
        quotes=quotes(old),
    )


def _old(evidence: Evidence, server: Server) -> list[Tally]:
    """Give what a log says of addresses that this name had, and has no more."""
    passes = [each for configuration in evidence.nginx for each in configuration.passes]
    servers = [
        each
        for configuration in evidence.nginx
        for group in configuration.groups
        for each in group.servers
    ]
    twins = sum(each.named and each.port == server.port for each in servers)
    if server.addresses is None or twins > 1 or any(each.group is None for each in passes):
        return []  # they may be somebody else's
    known = {str(ip) for each in servers for ip in each.addresses or ()}
    halves = dead_siblings(evidence.logs)  # of a name that was and is two addresses
    stale, current = [], [0]
    for each in (*failed(evidence.logs, *Reason), *captured(evidence.logs, "refused", "connect")):
        host, port = split(each.peer)
        if each.family is None or port != server.port or each.peer in halves:
            continue
        if host in known:
            current.append(each.last_ms)
        else:
            stale.append(each)
    return [each for each in stale if each.last_ms > max(current)]
