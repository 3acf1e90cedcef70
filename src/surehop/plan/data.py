"""The Plan: what the data plane gets. Plain data, every default filled in, references by index.

Times are milliseconds unless a field says otherwise. `Plan.to_json` is the contract with the
native side, version 1: text from the configuration crosses as Latin-1 code points, one a byte.
"""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from surehop.conf.model import Crossing
from surehop.conf.templates import Template

VERSION = 1


@dataclass(frozen=True, slots=True)
class LogFile:
    """`path` is absolute, or `stderr`."""

    path: str


@dataclass(frozen=True, slots=True)
class ErrorLog:
    file: int
    level: str


@dataclass(frozen=True, slots=True)
class AccessLog:
    file: int
    format: int


@dataclass(frozen=True, slots=True)
class Format:
    escape: str
    parts: Template


@dataclass(frozen=True, slots=True)
class Listener:
    address: str
    default: int
    servers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    names: tuple[str, ...]
    line: str
    client_header_timeout_ms: int
    keepalive_timeout_ms: int
    keepalive_header_s: int | None
    keepalive_requests: int
    keepalive_time_ms: int
    client_body_timeout_ms: int
    send_timeout_ms: int
    error_log: tuple[ErrorLog, ...]
    access_log: tuple[AccessLog, ...]
    locations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Nothing:
    kind: str = field(default="none", init=False)


@dataclass(frozen=True, slots=True)
class Return:
    kind: str = field(default="return", init=False)
    status: int
    text: Template | None


@dataclass(frozen=True, slots=True)
class StatusPage:
    kind: str = field(default="status", init=False)
    allow_remote: bool


@dataclass(frozen=True, slots=True)
class Proxy:
    kind: str = field(default="proxy", init=False)
    group: int
    scope: int
    proxy_host: str
    uri: str | None
    http_version: str
    headers: tuple[tuple[str, Template], ...]
    connect_timeout_ms: int
    send_timeout_ms: int
    read_timeout_ms: int
    next_upstream: tuple[str, ...]
    next_upstream_tries: int
    next_upstream_timeout_ms: int
    buffering: bool
    buffer_size: int
    crossing: Crossing


Action = Nothing | Return | StatusPage | Proxy


@dataclass(frozen=True, slots=True)
class Location:
    match: str
    path: str
    error_log: tuple[ErrorLog, ...]
    access_log: tuple[AccessLog, ...]
    client_max_body_size: int
    keepalive_timeout_ms: int
    keepalive_header_s: int | None
    keepalive_requests: int
    client_body_timeout_ms: int
    send_timeout_ms: int
    action: Action


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


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that is allowed and seldom meant. `text` ends with ` in FILE:LINE`."""

    text: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """`warnings` are for the log and don't cross to the native side."""

    server_header: str
    nginx_version: str
    workers: int
    worker_connections: int
    shutdown_timeout_ms: int
    files: tuple[LogFile, ...]
    error_log: tuple[ErrorLog, ...]
    formats: tuple[Format, ...]
    listeners: tuple[Listener, ...]
    servers: tuple[Server, ...]
    locations: tuple[Location, ...]
    groups: tuple[Group, ...]
    warnings: tuple[Warned, ...] = ()

    def to_json(self, *, indent: int | None = None) -> str:
        fields = {
            each.name: _plain(getattr(self, each.name))
            for each in dataclasses.fields(self)
            if each.name != "warnings"
        }
        return json.dumps({"version": VERSION, **fields}, indent=indent)


def _plain(value: Any) -> Any:
    """Make lists, dicts and Latin-1 text of a part of the plan."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("latin-1")
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if dataclasses.is_dataclass(value):
        return {each.name: _plain(getattr(value, each.name)) for each in dataclasses.fields(value)}
    return value
