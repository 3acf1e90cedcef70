"""What of the Plan says whom a request goes to: groups, their peers, what binds a client to one."""

from dataclasses import dataclass, field

from surehop.conf.templates import Template


@dataclass(frozen=True, slots=True)
class Peer:
    address: str
    name: str
    weight: int
    max_fails: int
    fail_timeout_ms: int
    max_conns: int
    down: bool
    backup: bool
    drain: bool
    sid: str | None
    slow_start_ms: int


@dataclass(frozen=True, slots=True)
class Keepalive:
    connections: int
    scopes: int
    requests: int
    time_ms: int
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Resilience:
    attribution: bool
    replay_keyed: bool
    probe: bool
    last_peer: bool
    idle: bool
    sent: bool
    budget: bool


@dataclass(frozen=True, slots=True)
class StickyCookie:
    """`expires_s` is -1 for `max`."""

    kind: str = field(default="cookie", init=False)
    name: str
    expires_s: int | None
    domain: Template
    httponly: bool
    secure: bool
    samesite: Template
    path: str | None


@dataclass(frozen=True, slots=True)
class StickyRoute:
    kind: str = field(default="route", init=False)
    variables: Template


@dataclass(frozen=True, slots=True)
class StickyLearn:
    kind: str = field(default="learn", init=False)
    create: Template
    lookup: Template
    size: int
    timeout_ms: int
    header: bool


Sticky = StickyCookie | StickyRoute | StickyLearn


@dataclass(frozen=True, slots=True)
class Queue:
    length: int
    timeout_ms: int


@dataclass(frozen=True, slots=True)
class Group:
    name: str
    implicit: bool
    zone: str | None
    balance: str
    hash_key: Template
    sticky: Sticky | None
    peers: tuple[Peer, ...]
    keepalive: Keepalive
    resilience: Resilience
    queue: Queue | None = None
