"""SH031: what HAProxy's log says of how requests ended, one finding a flag."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding
from surehop.doctor.flags import HAPROXY
from surehop.doctor.log_views import many, quotes, told

_LINE = (
    "Jan  5 10:00:00 lb haproxy[7]: 192.0.2.1:3317 [05/Jan/2026:10:00:00.655] web app/a"
    ' 10/0/-1/-1/12 503 217 - - {} 1/1/1/1/0 0/0 "GET / HTTP/1.1"\n'
)

ABOUT = About(
    id="SH031",
    name="haproxy-ended-it",
    summary="requests that HAProxy's log marks as failed, one finding a flag",
    symptom="; ".join(f"`{flag}`: {said.what}" for flag, said in HAPROXY.items()),
    cause="the flag is HAProxy's own word for who ended the request, and where it was then",
    cure="it depends on the flag: the finding says it",
    needs="a log of HAProxy (`option httplog` or `option tcplog`)",
    examples=(Example(_LINE.format("SC--"), _LINE.format("----"), kind="haproxy log"),),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for flag, said in HAPROXY.items():
        tallies = told(evidence.logs, f"haproxy {flag}")
        if not tallies:
            continue
        peers = sorted({each.peer for each in tallies} - {""})
        where = f" ({', '.join(f'`{peer}`' for peer in peers[:3])})" if peers else ""
        yield ABOUT.found(
            said.severity,
            Confidence.MEDIUM,
            because="the flag is certain; what lies behind it, HAProxy does not tell",
            title=f"{many(tallies, 'request')} with `{flag}`: {said.what}{where}",
            text=f"HAProxy marks what failed. `{flag}` means that {said.what}.",
            advice=said.advice,
            subject=f"log haproxy {flag}",
            quotes=quotes(tallies),
        )
