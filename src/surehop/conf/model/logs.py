"""Where is logged, what, and how it is buffered."""

from dataclasses import dataclass

from surehop.conf.syslog import Syslog
from surehop.conf.templates import Template


@dataclass(frozen=True, slots=True)
class ErrorLog:
    """`path` as it is written; `stderr` is the standard error."""

    path: str
    level: str
    syslog: Syslog | None = None


@dataclass(frozen=True, slots=True)
class LogFormat:
    name: str
    escape: str
    parts: Template


@dataclass(frozen=True, slots=True)
class Buffering:
    """`flush_ms` is 0 where only a full buffer is written; `gzip` is a level, 0 is none."""

    size: int
    flush_ms: int
    gzip: int


@dataclass(frozen=True, slots=True)
class AccessLog:
    """`path` is None for `off`; `template` stands for it where it has variables."""

    path: str | None
    format: str
    syslog: Syslog | None = None
    template: Template = ()
    buffering: Buffering | None = None
    condition: Template | None = None


@dataclass(frozen=True, slots=True)
class LogCache:
    """`open_log_file_cache`."""

    max: int
    inactive_s: int
    valid_s: int
    min_uses: int
