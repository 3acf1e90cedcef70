"""SH029: connections rest longer than what stands between remembers them."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.facts import Group
from surehop.doctor.finding import Confidence, Finding, Severity

_SHORTEST_MS = 240_000  # Azure's load balancer forgets after four minutes, AWS's NLB after 350 s

ABOUT = About(
    id="SH029",
    name="forgotten-by-a-middlebox",
    summary="idle connections are kept for longer than firewalls and load balancers remember them",
    symptom="after minutes of rest a request hangs until its time-out; nothing is logged before",
    cause="NAT, firewalls and cloud balancers drop what has been idle for minutes, and tell nobody",
    cure="`proxy_socket_keepalive on`, or a `keepalive_timeout` in the upstream below four minutes",
    needs="a configuration",
    examples=(
        Example(
            "upstream app { server 192.0.2.1:80; keepalive 8; keepalive_timeout 10m; }\n"
            "server { location / { proxy_pass http://app; } }",
            "upstream app { server 192.0.2.1:80; keepalive 8; keepalive_timeout 10m; }\n"
            "server { location / { proxy_pass http://app; proxy_socket_keepalive on; } }",
        ),
    ),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for configuration in evidence.nginx:
        for group in configuration.groups:
            passes = configuration.passes_to(group)
            awake = passes and all(
                each.section.word("proxy_socket_keepalive") == "on" for each in passes
            )
            if group.idle_ms is None or group.idle_ms < _SHORTEST_MS or awake or _near(group):
                continue
            yield ABOUT.found(
                Severity.INFO,
                Confidence.LOW,
                because="whether anything stands between, the configuration does not tell",
                title=f"connections of {group.label} may rest {group.idle_ms // 1000}s",
                text="What stands between may have forgotten them by then: the next request on one"
                " is lost without an error until its time-out.",
                advice="`proxy_socket_keepalive on;`, or a shorter `keepalive_timeout`",
                subject=group.name,
                place=group.place,
            )


def _near(group: Group) -> bool:
    """Whether all servers are this machine."""
    return all(
        server.unix or (server.addresses and all(each.is_loopback for each in server.addresses))
        for server in group.servers
    )
