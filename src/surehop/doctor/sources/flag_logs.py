"""Logs that say in a flag how a request ended: HAProxy's, and Envoy's access log."""

import re
from dataclasses import dataclass

from surehop.doctor.flags import ENVOY, HAPROXY, Flag

HAPROXY_LINE = re.compile(
    r"\[\d\d/[A-Z][a-z]{2}/\d{4}:(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)\.\d+\] \S+ "
    r"(?P<peer>[^ /]+/\S+) [-+\d/]+ (?:-?\d+ )?\+?\d+ (?:\S+ \S+ )?"
    r"(?P<state>[A-Za-z-]{2})[A-Za-z-]{0,2} [+\d]+/"
)
ENVOY_LINE = re.compile(
    r'^\[\d{4}-\d\d-\d\dT(?P<h>\d\d):(?P<m>\d\d):(?P<s>\d\d)[.\d]*Z\] "(?P<method>[A-Z]+)?[^"]*" '
    r"\d{1,3} (?P<flags>-|[A-Z]+(?:,[A-Z]+)*)(?= )"
)
_ENVOY_PEER = re.compile(r'"(?P<peer>(?:\d+\.\d+\.\d+\.\d+|\[[0-9a-f:.]+\]):\d+)"')
_REQUEST = re.compile(r'"(?P<method>[A-Z]+) ')


@dataclass(frozen=True, slots=True)
class Flagged:
    """A line: `flags` are those that mean a failure; `seconds` are those of the day."""

    software: str
    flags: tuple[tuple[str, Flag], ...]
    peer: str
    method: str
    seconds: int


def parse_flagged(text: str) -> Flagged | None:
    """Read a line of either; None if it is neither."""
    found = HAPROXY_LINE.search(text)
    if found:
        known = HAPROXY.get(found["state"])
        request = _REQUEST.search(text, found.end())
        method = request["method"] if request else ""
        flags = ((found["state"], known),) if known else ()
        return Flagged("haproxy", flags, found["peer"], method, _seconds(found))
    found = ENVOY_LINE.match(text)
    if found:
        every = [(name, ENVOY[name]) for name in found["flags"].split(",") if name in ENVOY]
        peer = _ENVOY_PEER.search(text, found.end())
        return Flagged(
            "envoy",
            tuple(every),
            peer["peer"] if peer else "",
            found["method"] or "",
            _seconds(found),
        )
    return None


def _seconds(found: re.Match[str]) -> int:
    return (int(found["h"]) * 60 + int(found["m"])) * 60 + int(found["s"])
