"""Lines of an error log that tell of upstreams, as a proxy wrote them while somebody looked."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

_LINE = re.compile(
    r"^\S+ \S+ \[(?P<level>\w+)\] \S+ (?:\*\d+ )?(?P<message>.*?)"
    r"(?:, client: (?P<rest>.*))?$"
)
# The folder is a temporary one.
_PLACE = re.compile(r" in \S*/([^/\s]+:\d+)$")
_UPSTREAM = re.compile(r'upstream: "(?:https?://)?(unix:[^:"]*|[^/"]*)')


@dataclass(frozen=True, slots=True)
class LogLine:
    """A line of an error log. `at`: when it was seen, in seconds since the first request."""

    at: float
    level: str
    message: str
    upstream: str
    whole: str


def read_line(line: str) -> tuple[str, str, str, str] | None:
    """Level, message, upstream and the whole line; None for what is no news about upstreams."""
    found = _LINE.match(line)
    if not found:
        return None
    rest = found["rest"] or ""
    message = _PLACE.sub(r" in \1", found["message"])
    upstream = _UPSTREAM.search(rest)
    if found["level"] in ("debug", "info", "notice") and not upstream:
        return None
    return found["level"], message, upstream[1] if upstream else "", line


def fold(lines: Sequence[LogLine]) -> list[tuple[LogLine, int]]:
    """Lines in a row that say the same of the same upstream, once, with their number."""
    groups = (list(g) for _, g in groupby(lines, lambda x: (x.level, x.message, x.upstream)))
    return [(group[0], len(group)) for group in groups]
