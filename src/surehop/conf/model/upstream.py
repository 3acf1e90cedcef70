"""Upstream groups."""

from dataclasses import dataclass

from surehop.conf.address import Address
from surehop.conf.templates import Template
from surehop.conf.where import Where


@dataclass(frozen=True, slots=True)
class Member:
    """One `server` line of an upstream."""

    address: Address
    where: Where
    weight: int = 1
    max_fails: int = 1
    fail_timeout_ms: int = 10_000
    max_conns: int = 0
    down: bool = False
    backup: bool = False
    drain: bool = False
    route: str | None = None
    slow_start_ms: int = 0


@dataclass(frozen=True, slots=True)
class Keepalive:
    connections: int
    local: bool
    requests: int
    time_ms: int
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Resilience:
    """None: the file doesn't say; the command's default holds."""

    attribution: bool | None = None
    replay_keyed: bool | None = None
    probe: bool | None = None
    last_peer: bool | None = None
    idle: bool | None = None
    sent: bool | None = None
    budget: bool | None = None


@dataclass(frozen=True, slots=True)
class Balance:
    """`key` is that of the two kinds of `hash`."""

    method: str
    key: Template = ()


@dataclass(frozen=True, slots=True)
class StickyCookie:
    """`expires` in seconds, -1 for `max`."""

    name: str
    expires: int | None
    domain: Template
    httponly: bool
    secure: bool
    samesite: Template
    path: str | None


@dataclass(frozen=True, slots=True)
class RouteBy:
    """`sticky route`: the first of these variables that isn't empty names the server."""

    variables: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Learn:
    """`sticky learn`: `create` and `lookup` are variables; `size` bytes."""

    create: tuple[str, ...]
    lookup: tuple[str, ...]
    zone: str
    size: int
    timeout_ms: int
    header: bool


Sticky = StickyCookie | RouteBy | Learn


@dataclass(frozen=True, slots=True)
class Queue:
    """How many requests may wait, and how long, where every server has as many as it may have."""

    length: int
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Upstream:
    name: str
    where: Where
    members: tuple[Member, ...]
    zone: str | None
    balance: Balance
    sticky: Sticky | None
    keepalive: Keepalive
    queue: Queue | None
    resilience: Resilience
