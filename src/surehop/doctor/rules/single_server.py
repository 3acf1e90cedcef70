"""SH003: what is said of failures on the only server has no effect."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.facts import Group, Server
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.sections import remove_word

_IDLE_WORDS = ("max_fails", "fail_timeout")

ABOUT = About(
    id="SH003",
    name="failure-limits-on-a-single-server",
    summary="`max_fails` and `fail_timeout` do nothing where a group has one address",
    symptom="a dead server is never taken out, whatever `max_fails` says",
    cause="a group of exactly one address is never disabled by nginx: there is nobody else to ask",
    cure="take the words out, or add a second server",
    needs="a configuration",
    examples=(
        Example(
            "upstream app { server 127.0.0.1:3000 max_fails=3 fail_timeout=30s; }",
            "upstream app { server 127.0.0.1:3000 max_fails=3; server 127.0.0.1:3001; }",
        ),
    ),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for configuration in evidence.nginx:
        for group in configuration.groups:
            if group.explicit and _single(group):
                yield from _findings(group, group.servers[0])


def _single(group: Group) -> bool:
    """Whether it is surely one address: a name nobody could resolve may have many."""
    servers = group.servers
    if len(servers) != 1 or servers[0].resolve:
        return False
    known = servers[0].unix or servers[0].addresses is not None
    return bool(known) and servers[0].peers == 1


def _findings(group: Group, server: Server) -> Iterator[Finding]:
    idle = [each for each in map(server.option, _IDLE_WORDS) if each]
    if not idle:
        return
    words = " ".join(word for word, _ in idle)
    yield ABOUT.found(
        Severity.INFO,
        Confidence.HIGH,
        because=f"{group.label} has one address",
        title=f"`{words}` has no effect: {group.label} has a single server",
        text="nginx never takes the only address of a group out, so these words are never asked.",
        advice="take them out, or add a second server",
        subject=f"{group.name} {words}",
        place=idle[0][1],
        fix=tuple(remove_word(where) for _, where in idle),
    )
