"""SH029: connections rest longer than what stands between remembers them."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.facts import Group
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import by_peer, captured, lines, many, quoted

_RESTED_MS = 60_000
_SHORTEST_MS = 240_000  # Azure's load balancer forgets after four minutes, AWS's NLB after 350 s
_RESTED = """\
192.0.2.1:40000 > 192.0.2.9:3000
0.000 > open
0.001 > GET /
0.010 < 200
"""
_AGAIN = "".join(f"{at} > GET /x again\n" for at in (400, 400.2, 400.6, 401.4))

ABOUT = About(
    id="SH029",
    name="forgotten-by-a-middlebox",
    summary="idle connections are kept for longer than firewalls and load balancers remember them",
    symptom="after minutes of rest a request hangs until its time-out; nothing is logged before",
    cause="NAT, firewalls and cloud balancers drop what has been idle for minutes, and tell nobody",
    cure="`proxy_socket_keepalive on`, or a `keepalive_timeout` in the upstream below four minutes",
    needs="a configuration, or a capture",
    examples=(
        Example(
            "upstream app { server 192.0.2.1:80; keepalive 8; keepalive_timeout 10m; }\n"
            "server { location / { proxy_pass http://app; } }",
            "upstream app { server 192.0.2.1:80; keepalive 8; keepalive_timeout 10m; }\n"
            "server { location / { proxy_pass http://app; proxy_socket_keepalive on; } }",
        ),
        Example(
            _RESTED + _AGAIN,
            _RESTED + "400 > GET /x\n400.5 < 200\n",
            kind="capture",
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

    yield from _captured(evidence)


def _captured(evidence: Evidence) -> Iterator[Finding]:
    for peer, tallies in by_peer(captured(evidence.logs, "unanswered")).items():
        rested = [each for each in lines(tallies) if (each.idle_ms or 0) >= _RESTED_MS]
        if not rested:
            continue
        least = min(each.idle_ms or 0 for each in rested) // 1000
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.MEDIUM,
            because="a server that is gone looks the same from here",
            title=f"connections to `{peer}` were dead after {least}s of rest or more,"
            f" {many(tallies, 'time')}, and nobody said so",
            text="A request was sent again and again, and not even acknowledged; before it the"
            " connection had rested for minutes. What stands between has forgotten it.",
            advice="send TCP keep-alive probes (`proxy_socket_keepalive on` and its like), or give"
            f" connections up that rested for less than {least}s",
            subject=f"capture {peer}",
            quotes=quoted(rested),
        )


def _near(group: Group) -> bool:
    """Whether all servers are this machine."""
    return all(
        server.unix or (server.addresses and all(each.is_loopback for each in server.addresses))
        for server in group.servers
    )
