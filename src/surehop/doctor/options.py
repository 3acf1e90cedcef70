"""What the doctor is asked."""

from typing import NamedTuple

from surehop.doctor.evidence import Version
from surehop.doctor.names import Names
from surehop.doctor.probing.limits import Asked, Talk
from surehop.doctor.sources.logs import Progress, Rows
from surehop.errors import OptionError

_PARTS = 3


class Probing(NamedTuple):
    """How URLs are probed; and whether the servers of configurations are."""

    asked: Asked = Asked()
    servers: bool = False
    talk: Talk = Talk()


class Reading(NamedTuple):
    """Who is told how far logs are read, and who is given every failed try."""

    progress: Progress | None = None
    rows: Rows | None = None


class Options(NamedTuple):
    names: Names
    version: Version | None = None
    known: frozenset[str] = frozenset()
    probing: Probing = Probing()
    reading: Reading = Reading()


def parse_version(text: str) -> Version:
    """Read `1.24.0`, `1.29` or `nginx/1.24.0`. Raises OptionError."""
    words = text.removeprefix("nginx/").split(".")
    if not all(word.isascii() and word.isdigit() for word in words) or len(words) > _PARTS:
        hint = "`nginx -v` tells it; write `1.24.0`"
        raise OptionError(f"`--nginx-version {text}` is no version", hint=hint)
    major, minor, patch, *_ = (*(int(word[:9]) for word in words), 0, 0)
    return major, minor, patch
