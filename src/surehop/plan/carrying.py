"""The Plan's words for what becomes of answers, and how they are carried."""

from dataclasses import dataclass
from typing import Any

from surehop.conf.templates import Template


@dataclass(frozen=True, slots=True)
class Carriage:
    """`temp`: which of the plan's folders."""

    bind: Template | None
    receive_buffer: int
    send_buffer: int
    limit_rate: Template | None
    max_temp_file_size: int
    temp: int
    early_hints: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class Replacing:
    """`pattern` is a dict: `text` or `regex`."""

    pattern: dict[str, Any]
    replacement: Template


@dataclass(frozen=True, slots=True)
class CookieFlags:
    pattern: dict[str, Any]
    flags: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class Reply:
    redirects: tuple[Replacing, ...]
    cookie_domains: tuple[Replacing, ...]
    cookie_paths: tuple[Replacing, ...]
    cookie_flags: tuple[CookieFlags, ...]
    ignored: tuple[str, ...]
    intercept_errors: bool
    force_ranges: bool
    pass_trailers: bool
