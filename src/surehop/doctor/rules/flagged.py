"""SH031, SH032: what HAProxy and Envoy say in a flag of how requests ended, one finding a flag."""

from collections.abc import Iterator, Mapping, Sequence

from surehop.doctor.about import About, Example, Rule
from surehop.doctor.attempts import Tally
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding
from surehop.doctor.flags import ENVOY, HAPROXY, WHY, Flag
from surehop.doctor.log_views import by_reason, many, quotes, told, where

_HAPROXY_LINE = (
    "Jan  5 10:00:00 lb haproxy[7]: 192.0.2.1:3317 [05/Jan/2026:10:00:00.655] web app/a"
    ' 10/0/-1/-1/12 503 217 - - {} 1/1/1/1/0 0/0 "GET / HTTP/1.1"\n'
)
_ENVOY_LINE = (
    '[2026-01-05T10:00:00.310Z] "GET / HTTP/1.1" 503 {} 0 95 12 - "-" "curl/8.0" "id" "app"'
    ' "192.0.2.1:80"\n'
)
_LINES = {
    "HAProxy": (_HAPROXY_LINE.format("SC--"), _HAPROXY_LINE.format("----")),
    "Envoy": (_ENVOY_LINE.format("UC"), _ENVOY_LINE.format("-")),
}


def _rule(number: str, name: str, software: str, flags: Mapping[str, Flag], needs: str) -> Rule:
    line = _LINES[software]
    about = About(
        id=number,
        name=name,
        summary=f"requests that {software}'s log marks as failed, one finding a flag",
        symptom="; ".join(f"`{flag}`: {said.what}" for flag, said in flags.items()),
        cause=f"the flag is {software}'s own word for who ended the request, and where it was then",
        cure="it depends on the flag: the finding says it",
        needs=needs,
        examples=(Example(*line, kind=f"{software.lower()} log"),),
    )
    return Rule(about, lambda evidence: _judge(about, software, flags, evidence))


def _judge(
    about: About, software: str, flags: Mapping[str, Flag], evidence: Evidence
) -> Iterator[Finding]:
    for flag, alone in flags.items():
        word = f"{software.lower()} {flag}"
        for reason, tallies in by_reason(told(evidence.logs, word)).items():
            said = WHY.get((word, reason), alone)
            yield _found(about, software, flag, said, tallies)


def _found(about: About, software: str, flag: str, said: Flag, tallies: Sequence[Tally]) -> Finding:
    return about.found(
        said.severity,
        Confidence.MEDIUM,
        because=f"the flag is certain; what lies behind it, {software} does not tell",
        title=f"{many(tallies, 'request')} with `{flag}`: {said.what}{where(tallies)}",
        text=f"{software} marks what failed. `{flag}` means that {said.what}.",
        advice=said.advice,
        subject=f"log {software.lower()} {flag}",
        quotes=quotes(tallies),
    )


RULES = (
    _rule(
        "SH031",
        "haproxy-ended-it",
        "HAProxy",
        HAPROXY,
        "a log of HAProxy (`option httplog` or `option tcplog`)",
    ),
    _rule(
        "SH032",
        "envoy-flagged-it",
        "Envoy",
        ENVOY,
        "an access log of Envoy: its own format, Istio's, or JSON",
    ),
)
