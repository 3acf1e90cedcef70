"""SH037: a dead server keeps its share of the requests."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.facts import Server
from surehop.doctor.finding import Confidence, Edit, Finding, Severity
from surehop.doctor.sections import remove_word

_BACKEND = "backend app\n    timeout connect 5s\n    timeout server 30s\n"

ABOUT = About(
    id="SH037",
    name="dead-server-keeps-its-share",
    summary="`max_fails=0` in a group of several servers",
    symptom="every so many-th request is slow or fails for as long as one server is down",
    cause="`max_fails=0` means that failures are not counted, so nobody is ever taken out",
    cure="take `max_fails=0` out; a small number, as 3, forgives single failures",
    needs="a configuration",
    examples=(
        Example(
            "upstream app { server 192.0.2.1:80 max_fails=0; server 192.0.2.2:80 max_fails=0; }",
            "upstream app { server 192.0.2.1:80 max_fails=3; server 192.0.2.2:80 max_fails=3; }",
        ),
        Example(
            _BACKEND + "    server a 192.0.2.1:80\n    server b 192.0.2.2:80 check\n",
            _BACKEND + "    default-server check\n    server a 192.0.2.1:80\n"
            "    server b 192.0.2.2:80\n",
            kind="haproxy",
        ),
    ),
)


def _unchecked(evidence: Evidence) -> Iterator[Finding]:
    """HAProxy takes out only whom it checks."""
    for configuration in evidence.haproxy:
        for group in configuration.groups:
            live = [server for server in group.servers if not server.down]
            if len(live) < 2:  # noqa: PLR2004 (one has nobody to stand in)
                continue
            for server in live:
                if server.checked or server.backup:  # a page that says sorry is its own best check
                    continue
                yield ABOUT.found(
                    Severity.WARNING if configuration.whole else Severity.INFO,
                    Confidence.MEDIUM if configuration.whole else Confidence.LOW,
                    because="something else may take dead servers out"
                    if configuration.whole
                    else "`default-server check` may stand in a file not read here",
                    title=f"`{server.text}` is not checked, so it is never taken out",
                    text="While it is down, it still gets its share of the requests; each is tried"
                    " there `retries` times before it fails.",
                    advice="add `check` to the line, or to `default-server`",
                    subject=f"{group.name} {server.text}",
                    place=server.host_place,
                    fix=_check(server),
                )


def _check(server: Server) -> tuple[Edit, ...]:
    """Add the word behind the address."""
    if any(word == "no-check" for word, _ in server.options):
        return ()
    return (Edit(server.place.file, server.end, server.end, " check"),)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for configuration in evidence.nginx:
        for group in configuration.groups:
            if group.peers < 2:  # noqa: PLR2004 (one has nobody to stand in)
                continue
            for server in group.servers:
                option = server.option("max_fails")
                if option is None or server.max_fails != 0 or server.down:
                    continue
                yield ABOUT.found(
                    Severity.WARNING,
                    Confidence.MEDIUM,
                    because="it may be meant so, where something else takes dead servers out",
                    title=f"`{server.text}` is never taken out, though {group.label} has others",
                    text="While it is down, it still gets its share of the requests; each waits for"
                    " its failure before it goes on.",
                    advice="take `max_fails=0` out, or write `max_fails=3`",
                    subject=f"{group.name} {server.text}",
                    place=option[1],
                    fix=(remove_word(option[1]),),
                )
    yield from _unchecked(evidence)
