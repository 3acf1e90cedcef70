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
class Filters:
    """`tokens` is on, off or build."""

    tokens: str
    headers: tuple[Added, ...]
    trailers: tuple[Added, ...]
    expires: Expires | None
    chunked: bool
    msie_padding: bool
    msie_refresh: bool
