"""SH032: what Envoy's log says of how requests ended, one finding a flag."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding
from surehop.doctor.flags import ENVOY
from surehop.doctor.log_views import many, quotes, told

_LINE = (
    '[2026-01-05T10:00:00.310Z] "GET / HTTP/1.1" 503 {} 0 95 12 - "-" "curl/8.0" "id" "app"'
    ' "192.0.2.1:80"\n'
)

ABOUT = About(
    id="SH032",
    name="envoy-flagged-it",
    summary="requests that Envoy's log marks as failed, one finding a flag",
    symptom="; ".join(f"`{flag}`: {said.what}" for flag, said in ENVOY.items()),
    cause="the flag is Envoy's own word for who ended the request, and where it was then",
    cure="it depends on the flag: the finding says it",
    needs="a log of Envoy, in its own format",
    examples=(Example(_LINE.format("UC"), _LINE.format("-"), kind="envoy log"),),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for flag, said in ENVOY.items():
        tallies = told(evidence.logs, f"envoy {flag}")
        if not tallies:
            continue
        peers = sorted({each.peer for each in tallies} - {""})
        where = f" ({', '.join(f'`{peer}`' for peer in peers[:3])})" if peers else ""
        yield ABOUT.found(
            said.severity,
            Confidence.MEDIUM,
            because="the flag is certain; what lies behind it, Envoy does not tell",
            title=f"{many(tallies, 'request')} with `{flag}`: {said.what}{where}",
            text=f"Envoy marks what failed. `{flag}` means that {said.what}.",
            advice=said.advice,
            subject=f"log envoy {flag}",
            quotes=quotes(tallies),
        )
