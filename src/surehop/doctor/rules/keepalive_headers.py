"""SH011: `keepalive` is written, and the request's head forbids it."""

from collections.abc import Iterator

from surehop.conf.tree import Node
from surehop.doctor.about import About, Example
from surehop.doctor.evidence import KEEPS_ALIVE, Evidence
from surehop.doctor.facts import Configuration, Group, Pass
from surehop.doctor.finding import Confidence, Edit, Finding, Severity
from surehop.doctor.sections import Section, insert_after, place, replace

_UPSTREAM = "upstream app { server 127.0.0.1:3000; keepalive 16; }\n"
_PAIR = 2

ABOUT = About(
    id="SH011",
    name="keepalive-never-used",
    summary="`keepalive` stands in the upstream, but requests go out so that nothing can be kept",
    symptom="sockets in TIME_WAIT grow although `keepalive` is on",
    cause=(
        "before nginx 1.29.7 requests go to servers as HTTP/1.0 with `Connection: close`, unless"
        " `proxy_http_version 1.1` and an empty Connection header say otherwise; and a header"
        " `Connection: close`, or a `map` that gives `close`, forbids it in every version"
    ),
    cure='`proxy_http_version 1.1;` and `proxy_set_header Connection "";`',
    needs="a configuration; `--nginx-version` makes it sure",
    examples=(
        Example(
            _UPSTREAM + "server { location / { proxy_pass http://app; } }",
            _UPSTREAM + "server { location / { proxy_pass http://app; proxy_http_version 1.1;"
            ' proxy_set_header Connection ""; } }',
            version="1.24.0",
        ),
        Example(
            _UPSTREAM + "server { location / { proxy_pass http://app; proxy_http_version 1.1;"
            ' proxy_set_header Connection "close"; } }',
            _UPSTREAM + "server { location / { proxy_pass http://app; } }",
            version="1.29.7",
        ),
        Example(
            "map $http_upgrade $connection_upgrade { default upgrade; '' close; }\n"
            + _UPSTREAM
            + "server { location / { proxy_pass http://app; proxy_http_version 1.1;"
            " proxy_set_header Connection $connection_upgrade; } }",
            "map $http_upgrade $connection_upgrade { default upgrade; '' ''; }\n"
            + _UPSTREAM
            + "server { location / { proxy_pass http://app; proxy_http_version 1.1;"
            " proxy_set_header Connection $connection_upgrade; } }",
        ),
    ),
    proof=("ss -tan state time-wait",),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    seen: set[tuple[Edit, ...]] = set()
    for configuration in evidence.nginx:
        for each in configuration.passes:
            group = each.group
            if each.kind != "proxy_pass" or group is None or not group.keepalive:
                continue
            for finding in _findings(evidence, configuration, each, group):
                if not finding.fix or finding.fix not in seen:
                    seen.add(finding.fix)
                    yield finding


def _findings(
    evidence: Evidence, configuration: Configuration, each: Pass, group: Group
) -> Iterator[Finding]:
    new = evidence.version is not None and evidence.version >= KEEPS_ALIVE
    header = _connection(each.section)
    version = each.section.last("proxy_http_version")
    if header is not None:
        fix = _closing(configuration, header)
        if fix is not None:
            severity = Severity.INFO if "$" in header.args[1].value else Severity.WARNING
            yield _found(group, each, (severity, Confidence.HIGH), "the header is written", fix)
            return
    if version is not None and version.words == ("1.0",):
        fix = (replace(place(version, version.args[0]), "1.1"),)
        sure = (Severity.WARNING, Confidence.HIGH)
        yield _found(group, each, sure, "`proxy_http_version 1.0` is written", fix)
    elif not new and (version is None or header is None):
        sure = (Severity.INFO, Confidence.MEDIUM)
        because = "it holds for every nginx before 1.29.7; `--nginx-version` makes it sure"
        if evidence.version is not None and not configuration.whole:
            because = "both lines may stand in a file not read here, around what this one holds"
        elif evidence.version is not None:
            sure = (Severity.WARNING, Confidence.HIGH)
            because = "this nginx is older than 1.29.7"
        fix = _missing(each, version=version is None, header=header is None)
        yield _found(group, each, sure, because, fix)


def _connection(section: Section) -> Node | None:
    for node in reversed(section.find("proxy_set_header")):
        if len(node.args) == _PAIR and node.args[0].value.lower() == "connection":
            return node
    return None


def _closing(configuration: Configuration, header: Node) -> tuple[Edit, ...] | None:
    """Give what makes a header no `close`; None if it is none."""
    token = header.args[1]
    if token.value.lower() == "close":
        return (replace(place(header, token), '""'),)
    if not token.value.startswith("$"):
        return None
    name = token.value[1:].strip("{}").lower()
    for section in configuration.sections:
        if section.kind != "map" or section.node is None or len(section.node.args) < _PAIR:
            continue
        if section.node.args[1].value.lstrip("$").lower() != name:
            continue
        for entry in section.own.get("", ()):
            if entry.words and entry.words[0].lower() == "close":
                return (replace(place(entry, entry.args[0]), "''"),)
    return None


def _missing(each: Pass, *, version: bool, header: bool) -> tuple[Edit, ...]:
    """Add what is missing; a header goes beside its brothers, or it would hide those inherited."""
    node = next(
        (n for n in each.section.own["proxy_pass"] if n.args and n.args[0].value == each.word), None
    )
    if node is None:
        return ()
    edits = []
    home = each.section.home("proxy_set_header")
    beside = home.own["proxy_set_header"][-1] if home else node
    line = 'proxy_set_header Connection "";'
    if version and header and beside is node:
        return (insert_after(node, "proxy_http_version 1.1;", line),)
    if version:
        edits.append(insert_after(node, "proxy_http_version 1.1;"))
    if header:
        edits.append(insert_after(beside, line))
    return tuple(edits)


def _found(
    group: Group,
    each: Pass,
    sure: tuple[Severity, Confidence],
    because: str,
    fix: tuple[Edit, ...],
) -> Finding:
    return ABOUT.found(
        *sure,
        because=because,
        title=f"`keepalive {group.keepalive}` of {group.label} is never used by `{each.word}`",
        text="The requests that go out here ask the server to close after the answer, so there is"
        " never a connection to keep.",
        advice='`proxy_http_version 1.1;` and `proxy_set_header Connection "";`',
        subject=f"{group.name} {each.word}",
        place=each.place,
        fix=fix,
    )
