"""What configurations say of hops, whatever their language: groups, servers, who passes to them."""

import ipaddress
from collections.abc import Iterator, Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from surehop.doctor.finding import Place
from surehop.doctor.sections import Section

IPAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class Software(StrEnum):
    NGINX = "nginx"
    HAPROXY = "haproxy"


class Server(NamedTuple):
    """One `server` line, or the address of a `proxy_pass`. Times are ms; None where not said.

    `addresses` are what the name resolves to: None where nobody could tell, and where there is no
    name to resolve, the one address. `host_place` is the host's own place, to be edited.
    `options` are the words behind the address, each with its place; `end` is the byte behind the
    address (HAProxy), `name` what its lines call it.
    """

    place: Place
    host_place: Place
    text: str
    host: str
    port: int
    addresses: tuple[IPAddress, ...] | None
    named: bool
    unix: str = ""
    backup: bool = False
    down: bool = False
    resolve: bool = False
    max_fails: int | None = None
    fail_timeout_ms: int | None = None
    checked: bool = False
    end: int = 0
    name: str = ""
    options: tuple[tuple[str, Place], ...] = ()

    @property
    def peers(self) -> int:
        """How many peers it makes; an unknown name counts as one."""
        return len(self.addresses) if self.addresses else 1

    @property
    def two_families(self) -> bool:
        return len({address.version for address in self.addresses or ()}) > 1

    @property
    def own_machine(self) -> bool:
        """Whether its name stands for this machine alone, by both families."""
        addresses = self.addresses or ()
        return self.two_families and all(address.is_loopback for address in addresses)

    def option(self, name: str) -> tuple[str, Place] | None:
        """Give `name`, or `name=…`, with its place."""
        for word, place in self.options:
            if word.partition("=")[0] == name:
                return word, place
        return None


class Group(NamedTuple):
    """An upstream, a backend, or what a `proxy_pass` names outright (`explicit` is false then).

    Keep-alive: `idle_ms` is how long a connection to a server may rest; `keepalive` is how many
    are kept, None where nothing is said of it. `settings` is the block itself (nginx). `said` is
    what holds for it, by its first words: the rest of the line, and the place (HAProxy).
    """

    software: Software
    name: str
    place: Place
    explicit: bool
    servers: tuple[Server, ...]
    keepalive: int | None = None
    idle_ms: int | None = None
    settings: Section | None = None
    said: Mapping[str, tuple[tuple[str, ...], Place]] = MappingProxyType({})

    @property
    def peers(self) -> int:
        return sum(server.peers for server in self.servers if not server.down)

    @property
    def rests_ms(self) -> int:
        """How long a kept connection may rest: as nginx has it where nothing is said."""
        return 60_000 if self.idle_ms is None else self.idle_ms

    @property
    def label(self) -> str:
        return f"`{self.name}`"


class Pass(NamedTuple):
    """A directive that sends requests on. `group` is None where only a request tells which.

    `host` is the part between the scheme and the path, variables included; `kind` the directive.
    """

    kind: str
    place: Place
    section: Section
    word: str
    host: str
    group: Group | None


class Listener(NamedTuple):
    """A socket that a `server` of the configuration itself listens on; "" is any address."""

    host: str
    port: int
    section: Section


class Configuration(NamedTuple):
    """One configuration, its includes followed. `sections` are nginx's blocks.

    Where it is not `whole`, other files may say what nothing here says: it is included by one, or
    includes one that could not be read.
    """

    software: Software
    file: str
    groups: tuple[Group, ...]
    passes: tuple[Pass, ...] = ()
    listeners: tuple[Listener, ...] = ()
    top: Section | None = None
    values: Mapping[str, tuple[str, ...]] = MappingProxyType({})
    whole: bool = True

    @property
    def sections(self) -> Iterator[Section]:
        if self.top is not None:
            yield from self.top.below()

    def passes_to(self, group: Group) -> tuple[Pass, ...]:
        return tuple(each for each in self.passes if each.group is group)
