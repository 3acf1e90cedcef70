"""SH016 and its kin: a `proxy_pass` whose host is only known while a request is under way."""

import re
from collections.abc import Iterator

from surehop.conf.address import numeric
from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.facts import Configuration, Group, Pass
from surehop.doctor.finding import Confidence, Finding, Severity
from surehop.doctor.log_views import line, many, quotes, told

_VARIABLE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")
_SCHEME = re.compile(r"^[^/?]*://")
_PORT = re.compile(r":\d+$")

ABOUT = About(
    id="SH016",
    name="variable-without-resolver",
    summary="`proxy_pass` has a variable and a name, and there is no `resolver`",
    symptom="502, and `no resolver defined to resolve NAME` in the error log",
    cause=(
        "with a variable anywhere in `proxy_pass`, nginx looks the name up for each request, with"
        " the `resolver` alone: /etc/hosts and the system's servers are not asked"
    ),
    cure="say `resolver ADDRESS;`, or name an `upstream` block",
    needs="a configuration, or an error log of nginx",
    examples=(
        Example(
            "server { location / { set $app http://app.internal:3000; proxy_pass $app; } }",
            "server { resolver 192.0.2.53; location / { set $app http://app.internal:3000;"
            " proxy_pass $app; } }",
        ),
        Example(
            "server { location / { proxy_pass http://app.internal$request_uri; } }",
            "upstream app.internal { server 192.0.2.7; }\n"
            "server { location / { proxy_pass http://app.internal$request_uri; } }",
        ),
        Example(
            "server { set $to app.internal; location / { proxy_pass $scheme://$to:80$uri; } }",
            "server { set $to 192.0.2.7; location / { proxy_pass $scheme://$to:80$uri; } }",
        ),
        Example(
            line("no resolver defined to resolve app.internal", "", ""),
            line("app.internal could not be resolved (2: Server failure)", "", ""),
            kind="error log",
        ),
    ),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for configuration in evidence.nginx:
        groups = {name for group in configuration.groups for name in _names(group)}
        for each in configuration.passes:
            if "$" not in each.word or each.section.home("resolver"):
                continue
            hosts, whole = _hosts(configuration, each)
            names = sorted(host for host in hosts if not _known(host, groups))
            if names or not (whole or hosts):
                yield _finding(each, names, whole=configuration.whole)
    tallies = told(evidence.logs, "no resolver")
    if tallies:
        yield ABOUT.found(
            Severity.ERROR,
            Confidence.HIGH,
            because="the log says so",
            title=f"no `resolver` is defined, and {many(tallies, 'request')} needed one",
            text="A `proxy_pass` with a variable looks its name up while the request waits.",
            advice="add `resolver ADDRESS;` to the server, or name an `upstream` block",
            subject="log no resolver",
            quotes=quotes(tallies),
        )


def _hosts(configuration: Configuration, each: Pass) -> tuple[set[str], bool]:
    """Give the hosts that the variables may make, and whether those are all."""
    found = {each.host or each.word}
    for _ in range(4):
        wider = set()
        for text in found:
            variable = _VARIABLE.search(text)
            name = (variable[1] or variable[2]).lower() if variable else ""
            values = configuration.values.get(name)
            if variable is None or values is None:
                wider.add(text)
            else:
                wider |= {text[: variable.start()] + v + text[variable.end() :] for v in values}
        found = wider
    hosts = {re.split(r"[/?]", _SCHEME.sub("", text), maxsplit=1)[0] for text in found}
    sure = {host for host in hosts if "$" not in _PORT.sub("", host.partition(":$")[0])}
    return {host.partition(":$")[0] for host in sure if host}, len(sure) == len(hosts)


def _names(group: Group) -> Iterator[str]:
    """Give the words by which a request finds the group: also that of a literal `proxy_pass`."""
    yield group.name.lower()
    if not group.explicit:
        yield from (f"{each.host}:{each.port}".lower() for each in group.servers)


def _known(host: str, groups: set[str]) -> bool:
    bare = _PORT.sub("", host)
    return host.startswith("unix:") or numeric(bare) is not None or host.lower() in groups


def _finding(each: Pass, names: list[str], *, whole: bool) -> Finding:
    severity, confidence = Severity.INFO, Confidence.LOW
    what = f"`{names[0]}`" if names else "the name in it"
    if not names:
        because = "what the variable holds can't be told from here"
    elif not whole:
        because = "a `resolver`, or an `upstream` of this name, may stand in a file not read here"
    else:
        severity, confidence = Severity.ERROR, Confidence.HIGH
        because = "no `resolver` stands here or around it"
    return ABOUT.found(
        severity,
        confidence,
        because=because,
        title=f"`{each.word}` has a variable, and no `resolver` can look up {what}",
        text="With a variable in it, nginx looks the name up while the request waits, and asks the"
        " `resolver` alone. Without one the request ends with 502.",
        advice="add `resolver ADDRESS;` to the server, or name an `upstream` block",
        subject=each.word,
        place=each.place,
    )
