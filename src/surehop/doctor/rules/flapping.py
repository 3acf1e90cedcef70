"""SH038: a dead server is tried again at once, with live requests."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.sections import replace

_SHORT_MS = 2000

ABOUT = About(
    id="SH038",
    name="short-fail-timeout",
    summary="`fail_timeout` is so short that a dead server is hardly ever out",
    symptom="`upstream server temporarily disabled` for the same server every second or two",
    cause="after `fail_timeout` the next live request is the test of a dead server",
    cure="10s, as nginx has it, or more",
    needs="a configuration",
    examples=(
        Example(
            "upstream app { server 192.0.2.1:80 fail_timeout=1s; server 192.0.2.2:80; }",
            "upstream app { server 192.0.2.1:80 fail_timeout=10s; server 192.0.2.2:80; }",
        ),
    ),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for configuration in evidence.nginx:
        for group in configuration.groups:
            if group.peers < 2:  # noqa: PLR2004 (one is never out)
                continue
            for server in group.servers:
                option = server.option("fail_timeout")
                ms = server.fail_timeout_ms
                if option is None or ms is None or ms > _SHORT_MS or server.max_fails == 0:
                    continue
                yield ABOUT.found(
                    Severity.WARNING,
                    Confidence.MEDIUM,
                    because="where servers restart within seconds, it may be meant so",
                    title=f"`{server.text}` comes back after `{option[0]}`, dead or not",
                    text="Each time a live request has to find out that it is still dead. For one"
                    " that hangs, this request waits for the whole time-out.",
                    advice="`fail_timeout=10s` or more",
                    subject=f"{group.name} {server.text}",
                    place=option[1],
                    fix=(replace(option[1], "fail_timeout=10s"),),
                )
