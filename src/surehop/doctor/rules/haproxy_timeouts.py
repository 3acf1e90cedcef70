"""SH046: HAProxy waits for ever."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity

_NEEDED = ("timeout connect", "timeout server")
_CFG = """\
defaults
    mode http
    timeout client 30s
{timeouts}
backend app
    server a 192.0.2.1:80 check
"""

ABOUT = About(
    id="SH046",
    name="haproxy-without-timeouts",
    summary="a backend of HAProxy has no `timeout connect` or no `timeout server`",
    symptom="connections pile up while a server hangs, until `maxconn` is reached",
    cause="where none is said, HAProxy waits without end",
    cure="`timeout connect 5s` and `timeout server 30s` in `defaults`",
    needs="a configuration of HAProxy",
    examples=(
        Example(
            _CFG.format(timeouts="    timeout connect 5s"),
            _CFG.format(timeouts="    timeout connect 5s\n    timeout server 30s"),
            kind="haproxy",
        ),
    ),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for configuration in evidence.haproxy:
        for group in configuration.groups:
            missing = [name for name in _NEEDED if name not in group.said]
            if missing:
                named = " and ".join(f"`{name}`" for name in missing)
                severity, confidence = Severity.WARNING, Confidence.HIGH
                because = "HAProxy warns of it itself"
                if not configuration.whole:
                    severity, confidence = Severity.INFO, Confidence.LOW
                    because = "`defaults` may stand in a file that HAProxy reads before this one"
                yield ABOUT.found(
                    severity,
                    confidence,
                    because=because,
                    title=f"backend {group.label} has no {named}",
                    text="A server that hangs holds each request, and its connection, for ever.",
                    advice="; ".join(
                        f"`{name} {'5s' if 'connect' in name else '30s'}`" for name in missing
                    ),
                    subject=f"{group.name} {named}",
                    place=group.place,
                )
