"""SH036: one try, several addresses: a dead one costs its share of the requests."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Edit, Finding, Severity
from surehop.doctor.sections import place

_ONE = "proxy_next_upstream_tries 1;"
_PASS = "server { location / { proxy_pass http://app; %s } }"  # noqa: S105 (no password)
_UPSTREAM = "upstream app { server app.internal:3000; }\n"

ABOUT = About(
    id="SH036",
    name="one-try-several-addresses",
    summary="`proxy_next_upstream_tries 1` for a group that has several addresses",
    symptom="half of the requests fail while one address of two is dead",
    cause="with one try a request never goes on to the next address",
    cure="take `proxy_next_upstream_tries 1` out, or let it be 2",
    needs="a configuration, and what its names resolve to",
    examples=(
        Example(
            _UPSTREAM + _PASS % _ONE,
            _UPSTREAM + _PASS % "proxy_next_upstream_tries 2;",
            names={"app.internal": "192.0.2.7,[2001:db8::7]"},
        ),
    ),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    seen = set()
    for configuration in evidence.nginx:
        for each in configuration.passes:
            node = each.section.last("proxy_next_upstream_tries")
            group = each.group
            if node is None or node.words != ("1",) or group is None:
                continue
            two = any(server.two_families for server in group.servers if not server.down)
            if group.peers < 2 or (id(node), id(group)) in seen:  # noqa: PLR2004 (one is no choice)
                continue
            seen.add((id(node), id(group)))
            where = place(node)
            yield ABOUT.found(
                Severity.WARNING if two else Severity.INFO,
                Confidence.HIGH if two else Confidence.MEDIUM,
                because=f"{group.label} has {group.peers} addresses"
                + (", of both families" if two else ""),
                title=f"one try only, and {group.label} has {group.peers} addresses",
                text="A request whose first address fails is not sent to the other. While one of"
                f" {group.peers} is dead, its share of the requests fails.",
                advice="take `proxy_next_upstream_tries 1` out, or let it be 2",
                subject=group.name,
                place=where,
                fix=(Edit(node.file, node.args[0].start, node.args[0].end, "2"),),
            )
