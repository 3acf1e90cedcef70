"""What the doctor is asked."""

from dataclasses import dataclass, field

from surehop.doctor.evidence import Version
from surehop.doctor.names import Names
from surehop.doctor.probing import Asked, Talk
from surehop.doctor.sources.logs import Progress, Rows
from surehop.errors import OptionError

_PARTS = 3


@dataclass(frozen=True, slots=True)
class Probing:
    """How URLs are probed; and whether the servers of configurations are."""

    asked: Asked = field(default_factory=Asked)
    servers: bool = False
    talk: Talk = field(default_factory=Talk)


@dataclass(frozen=True, slots=True)
class Reading:
    """Who is told how far logs are read, and who is given every failed try."""

    progress: Progress | None = None
    rows: Rows | None = None


@dataclass(frozen=True, slots=True)
class Options:
    names: Names
    version: Version | None = None
    known: frozenset[str] = field(default_factory=frozenset)
    probing: Probing = field(default_factory=Probing)
    reading: Reading = field(default_factory=Reading)


def parse_version(text: str) -> Version:
    """Read `1.24.0`, `1.29` or `nginx/1.24.0`. Raises OptionError."""
    words = text.removeprefix("nginx/").split(".")
    if not all(word.isascii() and word.isdigit() for word in words) or len(words) > _PARTS:
        hint = "`nginx -v` tells it; write `1.24.0`"
        raise OptionError(f"`--nginx-version {text}` is no version", hint=hint)
    major, minor, patch, *_ = (*(int(word[:9]) for word in words), 0, 0)
    return major, minor, patch
