"""SH043: a bad answer is asked of every server in turn."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.sections import insert_after, place

_MANY = 4
_SERVERS = "".join(f" server 192.0.2.{n}:80;" for n in range(1, 6))

ABOUT = About(
    id="SH043",
    name="retries-without-limit",
    summary="one failing request is sent to every server of a large group",
    symptom="when the backend is slow or fails, its load multiplies, and nothing recovers",
    cause="`proxy_next_upstream` with time-outs or statuses, and no `proxy_next_upstream_tries`",
    cure="`proxy_next_upstream_tries 2;`",
    needs="a configuration",
    examples=(
        Example(
            f"upstream app {{{_SERVERS} }}\nserver {{ location / {{ proxy_pass http://app;"
            " proxy_next_upstream error http_500; } }",
            f"upstream app {{{_SERVERS} }}\nserver {{ location / {{ proxy_pass http://app;"
            " proxy_next_upstream error http_500; proxy_next_upstream_tries 2; } }",
        ),
    ),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    seen = set()
    for configuration in evidence.nginx:
        for each in configuration.passes:
            node, group = each.section.last("proxy_next_upstream"), each.group
            if node is None or group is None or group.peers < _MANY or id(node) in seen:
                continue
            section = each.section
            limited = section.count("proxy_next_upstream_tries") or section.time(
                "proxy_next_upstream_timeout"
            )
            if limited or not any(word.startswith("http_5") for word in node.words):
                continue
            seen.add(id(node))
            yield ABOUT.found(
                Severity.INFO,
                Confidence.MEDIUM,
                because=f"{group.label} has {group.peers} addresses; how often they fail together,"
                " only logs tell",
                title=f"a request that fails is sent to all {group.peers} servers in turn",
                text="Where the request itself is the cause, or all servers suffer the same, each"
                f" costs {group.peers} tries, just when the servers are weakest.",
                advice="`proxy_next_upstream_tries 2;`",
                subject=f"{group.name} {' '.join(node.words)}",
                place=place(node),
                fix=(insert_after(node, "proxy_next_upstream_tries 2;"),),
            )
