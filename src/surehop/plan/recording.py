"""What of the Plan says where is logged, what, and how it is buffered."""

from dataclasses import dataclass

from surehop.conf.templates import Template


@dataclass(frozen=True, slots=True)
class Buffering:
    size: int
    flush_ms: int
    gzip: int


@dataclass(frozen=True, slots=True)
class Syslog:
    """`priority` is that of access logs; error logs put their lines' severity into it."""

    address: str
    priority: int
    tag: str
    hostname: bool


@dataclass(frozen=True, slots=True)
class LogFile:
    """`path` is absolute, or `stderr`, or what is written where it is `syslog`."""

    path: str
    buffer: Buffering | None = None
    syslog: Syslog | None = None


@dataclass(frozen=True, slots=True)
class LogCache:
    max: int
    inactive_s: int
    valid_s: int
    min_uses: int


@dataclass(frozen=True, slots=True)
class LogPath:
    """A log file that is opened when a request is logged; `cache`: index of a cache."""

    path: Template
    cache: int | None


@dataclass(frozen=True, slots=True)
class ErrorLog:
    file: int
    level: str


@dataclass(frozen=True, slots=True)
class AccessLog:
    """Into a file that is open, or into one by its path; if `condition` holds."""

    file: int | None
    path: LogPath | None
    format: int
    condition: Template | None


@dataclass(frozen=True, slots=True)
class Format:
    escape: str
    parts: Template
