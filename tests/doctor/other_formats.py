"""What nginx logged of an incident, as other software would have logged the same events."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_FAILED = re.compile(
    r"^(?P<date>\S+) (?P<time>\S+) \[(?:error|crit)\] .*?: \*\d+ (?P<message>.*), client: .*"
    r'request: "(?P<method>\w+) (?P<path>\S+) .*upstream: "http://(?P<peer>[^/]+)/'
)
# How each message is called: by Envoy, and whether ALB could connect (else it has waited).
_NAMES = (
    ("no live upstreams", "UH", 503),
    ("timed out (110: Operation timed out) while connecting", "UF", 503),
    ("timed out", "UT", 504),
    ("Connection refused", "UF", 503),
    ("prematurely closed connection while reading response", "UC", 503),
    ("reset by peer) while reading response", "UR", 503),
    ("reset by peer) while reading upstream", "UR", 200),
)


@dataclass(frozen=True, slots=True)
class Failure:
    date: str
    time: str
    message: str
    method: str
    path: str
    peer: str


def failures(folder: Path) -> Iterator[Failure]:
    """The failed tries of an incident."""
    for line in (folder / "error.log").read_text().splitlines():
        found = _FAILED.match(line)
        if found:
            date = found["date"].replace("/", "-")
            yield Failure(date, *found.group("time", "message", "method", "path", "peer"))


def as_envoy(folder: Path) -> str:
    """Envoy's own access log: a line a failed try, and one that went well beside it."""
    lines = []
    for each in failures(folder):
        flag, status = next((f, s) for text, f, s in _NAMES if text in each.message)
        start = f'[{each.date}T{each.time}.{{}}Z] "{each.method} {each.path} HTTP/1.1"'
        end = '"127.0.0.1" "curl/8.5.0" "5f2b0000-0000-4000-8000-000000000000" "app.example"'
        peer = "-" if flag == "UH" else each.peer
        lines.append(f'{start.format("100")} {status} {flag} 0 95 3 - {end} "{peer}"')
        lines.append(f'{start.format("900")} 200 - 0 512 4 3 {end} "127.0.0.1:1"')
    return "\n".join(lines) + "\n"


def as_alb(folder: Path) -> str:
    """The access log of AWS's load balancer, which says of the target's end only `-`."""
    lines = []
    for each in failures(folder):
        late = "timed out" in each.message
        status, waited = (504, "0.700") if late else (502, "0.001")
        start = f"http {each.date}T{each.time}.100000Z app/shop/50dc6c495c0c9188 192.0.2.1:2817"
        end = (
            f'34 366 "{each.method} http://app.example:80{each.path} HTTP/1.1" "curl/8.5.0" - -'
            " arn:aws:elasticloadbalancing:us-east-2:123456789012:targetgroup/shop/73e2d6bc24d8a067"
            ' "Root=1-58337262-36d228ad5d99923122bbe354" "-" "-" 0'
            f' {each.date}T{each.time}.000000Z "forward" "-" "-" "10.0.0.1:80"'
        )
        lines.append(f'{start} 10.0.0.1:80 0.000 {waited} -1 {status} - {end} "-" "-" "-"')
        lines.append(f'{start} 10.0.0.1:80 0.000 0.003 0.000 200 200 {end} "200" "-" "-"')
    return "\n".join(lines) + "\n"
