"""Regular expressions, and variables that the configuration makes."""

from dataclasses import dataclass

from surehop.conf.templates import Template
from surehop.conf.where import Where


@dataclass(frozen=True, slots=True)
class Regex:
    """`names` are its named groups, lower-cased."""

    pattern: str
    caseless: bool
    names: tuple[str, ...]
    where: Where


@dataclass(frozen=True, slots=True)
class Map:
    value: Template
    hostnames: bool
    volatile: bool
    default: Template
    exact: tuple[tuple[str, Template], ...]
    leading: tuple[tuple[str, Template], ...]
    trailing: tuple[tuple[str, Template], ...]
    regexes: tuple[tuple[Regex, Template], ...]


@dataclass(frozen=True, slots=True)
class Geo:
    """`value` is empty for the client's address; the last range that holds an address counts."""

    value: Template
    default: str
    ranges: tuple[tuple[str, str, str], ...]
    proxies: tuple[tuple[str, str], ...]
    proxy_recursive: bool


@dataclass(frozen=True, slots=True)
class Split:
    """Upper bounds of the hash, with 0 for the rest, and the values."""

    value: Template
    parts: tuple[tuple[int, str], ...]


@dataclass(frozen=True, slots=True)
class Computed:
    """A variable of the configuration's own; True: `set` gives it, False: a named group."""

    name: str
    source: Map | Geo | Split | bool
