"""SH010: a literal `proxy_pass` keeps no connection."""

from collections.abc import Iterator

from surehop.doctor.about import About, Example
from surehop.doctor.evidence import Evidence
from surehop.doctor.finding import Confidence, Finding, Severity

ABOUT = About(
    id="SH010",
    name="literal-proxy-pass-keeps-nothing",
    summary="an address written into `proxy_pass` gets a new connection for every request",
    symptom="sockets in TIME_WAIT grow with the traffic; at last `(99: Cannot assign requested"
    " address)`",
    cause="nginx keeps connections to servers of an `upstream` block only",
    cure="put the address into an `upstream` with `keepalive`, and name that in `proxy_pass`",
    needs="a configuration",
    examples=(
        Example(
            "server { location / { proxy_pass http://127.0.0.1:3000; } }",
            "upstream app { server 127.0.0.1:3000; }\n"
            "server { location / { proxy_pass http://app; } }",
        ),
    ),
    proof=("ss -tan state time-wait",),
)


def judge(evidence: Evidence) -> Iterator[Finding]:
    for configuration in evidence.nginx:
        for each in configuration.passes:
            if each.kind != "proxy_pass" or each.group is None or each.group.explicit:
                continue
            yield ABOUT.found(
                Severity.INFO,
                Confidence.HIGH,
                because="no `upstream` block has this name",
                title=f"no connection to `{each.host}` is used twice",
                text="Every request opens and closes a connection of its own. With little traffic"
                " that harms nobody; with much, ports and time are spent on it.",
                advice=f"write `upstream app {{ server {each.host}; keepalive 16; }}` and pass to"
                " `http://app`",
                subject=each.word,
                place=each.place,
            )
