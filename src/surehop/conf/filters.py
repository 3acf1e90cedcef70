"""What is done to answers on their way out, as plain data: it crosses into the plan as it is."""

from dataclasses import dataclass

from surehop.conf.templates import Template


@dataclass(frozen=True, slots=True)
class Added:
    """One `add_header` or `add_trailer`. `always`: whatever the status is."""

    name: str
    value: Template
    always: bool


@dataclass(frozen=True, slots=True)
class Expires:
    """`value` is what follows `modified`; it is read when an answer is made."""

    modified: bool
    value: Template


@dataclass(frozen=True, slots=True)
class Gzip:
    """`types` are lower-cased, `*` is any; `window` is in bits; `disable` are patterns."""

    types: tuple[str, ...]
    min_length: int
    level: int
    window: int
    http_version: str
    proxied: tuple[str, ...]
    vary: bool
    disable: tuple[str, ...]
    disable_msie6: bool


@dataclass(frozen=True, slots=True)
class Filters:
    """`tokens` is on, off or build; `gzip` is None for off; the rates are sizes, empty for none."""

    tokens: str
    headers: tuple[Added, ...]
    trailers: tuple[Added, ...]
    expires: Expires | None
    chunked: bool
    msie_padding: bool
    msie_refresh: bool
    gzip: Gzip | None
    limit_rate: Template
    limit_rate_after: Template
