"""SH015: a name is resolved at start and never again."""

from collections.abc import Collection, Iterator

from surehop.conf.address import socket_text
from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.facts import Server
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import by_peer, failed, many, quotes, split
from surehop.events import Reason

_NOT_CONNECTED = (Reason.REFUSED, Reason.CONNECT_TIMED_OUT, Reason.UNREACHABLE)

ABOUT = About(
    id="SH015",
    name="name-resolved-once",
    summary="nginx asks for a name's addresses when it starts, and keeps them until it is reloaded",
    symptom="requests go to an old address until nginx is restarted",
    cause="names of servers are resolved when the configuration is read",
    cure="`resolve` on the server, with a `zone` in the upstream and a `resolver`",
    needs="a configuration",
    examples=(
        Example(
            "upstream app { server app.internal:3000; }",
            "resolver 192.0.2.53;\n"
            "upstream app { zone app 64k; server app.internal:3000 resolve; }",
            names={"app.internal": "192.0.2.7"},
        ),
    ),
)


def moved(evidence: Evidence) -> dict[str, Server]:
    """Give the peers to which connecting fails, and which a name's server was once.

    Only its port says so: no other server, and no address that a name has now, may have it.
    """
    servers = [
        each
        for configuration in evidence.nginx
        for group in configuration.groups
        for each in group.servers
    ]
    known = {socket_text(address, e.port) for e in servers for address in e.addresses or ()}
    found = {}
    for peer in by_peer(failed(evidence.logs, *_NOT_CONNECTED)):
        _, port = split(peer)
        here = [each for each in servers if each.port == port]
        if peer not in known and len(here) == 1 and here[0].named and here[0].addresses:
            found[peer] = here[0]
    return found


def judge(evidence: Evidence) -> Iterator[Finding]:
    left = moved(evidence)
    lost = by_peer(failed(evidence.logs, *_NOT_CONNECTED))
    for peer, server in left.items():
        now = ", ".join(f"`{each}`" for each in server.addresses or ())
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.MEDIUM,
            because="what the name is here and now may not be what it is where the log was written",
            title=f"nginx goes to `{peer}` for `{server.host}`, which is {now} by now",
            text=f"{many(lost[peer], 'connection')} failed there. The name has moved since nginx"
            " was started or reloaded.",
            advice="reload nginx now; for later, `resolve` with a `zone` and a `resolver`",
            subject=f"log {peer}",
            place=server.host_place,
            quotes=quotes(lost[peer]),
        )
    yield from _written(evidence, left.values())


def _written(evidence: Evidence, left: Collection[Server]) -> Iterator[Finding]:
    for configuration in evidence.nginx:
        for group in configuration.groups:
            for server in group.servers:
                local = any(each.is_loopback for each in server.addresses or ())
                if not server.named or server.resolve or local or server in left:
                    continue
                yield ABOUT.found(
                    Severity.INFO,
                    Confidence.LOW,
                    because="only whoever runs the name knows whether its addresses ever change",
                    title=f"`{server.host}` is resolved once, at start",
                    text="If its addresses change, nginx goes on with the old ones until it is"
                    " reloaded.",
                    advice="where addresses change: `resolve`, with a `zone` and a `resolver`",
                    subject=f"{group.name} {server.text}",
                    place=server.host_place,
                )
