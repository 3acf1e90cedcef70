"""SH015: a name is resolved at start and never again."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity

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


def judge(evidence: Evidence) -> Iterator[Finding]:
    for configuration in evidence.nginx:
        for group in configuration.groups:
            for server in group.servers:
                local = any(each.is_loopback for each in server.addresses or ())
                if not server.named or server.resolve or local:
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
