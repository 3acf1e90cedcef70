"""The Plan: what the data plane gets. Plain data, every default filled in, references by index.

Times are milliseconds unless a field says otherwise. `Plan.to_json` is the contract with the
native side, version 1: text from the configuration crosses as Latin-1 code points, one a byte.
"""

import dataclasses
import json
from dataclasses import dataclass, field
from typing import Any

from surehop.conf.filters import Filters
from surehop.conf.model import Crossing, Heads, ListenOptions, Patience
from surehop.conf.templates import Template, Variable
from surehop.plan.carrying import Carriage, Reply
from surehop.plan.choosing import Group
from surehop.plan.entering import Entry, Zone
from surehop.plan.recording import AccessLog, ErrorLog, Format, LogCache, LogFile

VERSION = 1


@dataclass(frozen=True, slots=True)
class Listener:
    """`by` is the listener whose socket it shares; None: it has its own."""

    address: str
    default: int
    servers: tuple[int, ...]
    by: int | None = None


@dataclass(frozen=True, slots=True)
class Regex:
    """`names` are the named groups with the variables they set."""

    pattern: str
    caseless: bool
    names: tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Return:
    op: str = field(default="return", init=False)
    status: int
    text: Template | None


@dataclass(frozen=True, slots=True)
class Break:
    op: str = field(default="break", init=False)


@dataclass(frozen=True, slots=True)
class Set:
    op: str = field(default="set", init=False)
    slot: int
    value: Template


@dataclass(frozen=True, slots=True)
class SetArgs:
    op: str = field(default="args", init=False)
    value: Template


@dataclass(frozen=True, slots=True)
class SetLimitRate:
    op: str = field(default="limit_rate", init=False)
    value: Template


@dataclass(frozen=True, slots=True)
class Rewrite:
    op: str = field(default="rewrite", init=False)
    regex: Regex
    path: Template
    args: Template | None
    add_args: bool
    redirect: int | None
    last: bool
    stop: bool


@dataclass(frozen=True, slots=True)
class If:
    """`test` is a dict with `is` and what that kind of test needs."""

    op: str = field(default="if", init=False)
    test: dict[str, Any]
    location: int | None
    script: "tuple[Step, ...]"


Step = Return | Break | Set | SetArgs | SetLimitRate | Rewrite | If


@dataclass(frozen=True, slots=True)
class ErrorPage:
    status: int
    overwrite: int | None
    target: Template
    args: str
    split: bool


@dataclass(frozen=True, slots=True)
class Computed:
    """A variable of the configuration's own; `source` is a dict with `kind` and what that needs."""

    name: str
    source: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Server:
    name: str
    names: tuple[str, ...]
    line: str
    client_header_timeout_ms: int
    heads: Heads
    keepalive_timeout_ms: int
    keepalive_header_s: int | None
    keepalive_requests: int
    keepalive_time_ms: int
    client_body_timeout_ms: int
    send_timeout_ms: int
    error_log: tuple[ErrorLog, ...]
    access_log: tuple[AccessLog, ...]
    locations: tuple[int, ...]
    regexes: tuple[Regex, ...]
    own: int
    named: tuple[tuple[str, int], ...]
    script: tuple[Step, ...]
    merge_slashes: bool


@dataclass(frozen=True, slots=True)
class TempPath:
    """`path` is absolute."""

    path: str
    levels: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Intake:
    """`temp`: which of the plan's folders."""

    buffer_size: int
    in_file: str
    temp: int


@dataclass(frozen=True, slots=True)
class Nothing:
    kind: str = field(default="none", init=False)


@dataclass(frozen=True, slots=True)
class StatusPage:
    kind: str = field(default="status", init=False)
    allow_remote: bool


@dataclass(frozen=True, slots=True)
class Proxy:
    kind: str = field(default="proxy", init=False)
    group: int | None
    asked: Template
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
    request_buffering: bool
    buffer_size: int
    crossing: Crossing
    reply: Reply
    carriage: Carriage


@dataclass(frozen=True, slots=True)
class Stub:
    kind: str = field(default="stub", init=False)


@dataclass(frozen=True, slots=True)
class Try:
    path: Template
    folder: bool


@dataclass(frozen=True, slots=True)
class Tries:
    """`code` is 0 where `last` says where the request goes."""

    tries: tuple[Try, ...]
    last: Template
    code: int


@dataclass(frozen=True, slots=True)
class Files:
    """`alias`: bytes of the URI that `root` stands for; `types` is an index."""

    root: Template
    alias: int | None
    whole: bool
    index: tuple[Template, ...]
    tries: Tries | None
    types: int
    default_type: str
    etag: bool
    if_modified_since: str
    max_ranges: int
    log_not_found: bool


@dataclass(frozen=True, slots=True)
class LimitExcept:
    methods: tuple[str, ...]
    location: int


Action = Nothing | StatusPage | Stub | Proxy


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
    intake: Intake
    patience: Patience
    send_timeout_ms: int
    filters: Filters
    action: Action
    files: Files
    limit_except: LimitExcept | None
    regex: Regex | None
    inner: tuple[int, ...]
    script: tuple[Step, ...]
    error_pages: tuple[ErrorPage, ...]
    recursive_error_pages: bool
    post_action: str | None
    internal: bool
    absolute_redirect: bool
    port_in_redirect: bool
    server_name_in_redirect: bool
    rewrite_log: bool
    uninitialized_variable_warn: bool
    entry: Entry | None


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that is allowed and seldom meant. `text` ends with ` in FILE:LINE`."""

    text: str
    hint: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """`warnings` and `sockets` don't cross to the native side.

    `sockets` are the addresses of the listeners that have their own, with what is said of them.
    """

    server_header: str
    nginx_version: str
    prefix: str
    types: tuple[tuple[tuple[str, str], ...], ...]
    workers: int
    worker_connections: int
    shutdown_timeout_ms: int
    strict: bool
    files: tuple[LogFile, ...]
    log_caches: tuple[LogCache, ...]
    error_log: tuple[ErrorLog, ...]
    formats: tuple[Format, ...]
    listeners: tuple[Listener, ...]
    servers: tuple[Server, ...]
    locations: tuple[Location, ...]
    groups: tuple[Group, ...]
    temp_paths: tuple[TempPath, ...] = ()
    variables: tuple[Computed, ...] = ()
    zones: tuple[Zone, ...] = ()
    warnings: tuple[Warned, ...] = ()
    sockets: tuple[tuple[str, ListenOptions], ...] = ()

    def to_json(self, *, indent: int | None = None) -> str:
        slots = {variable.name: at for at, variable in enumerate(self.variables)}
        fields = {
            each.name: _plain(getattr(self, each.name), slots)
            for each in dataclasses.fields(self)
            if each.name not in {"warnings", "sockets"}
        }
        return json.dumps({"version": VERSION, **fields}, indent=indent)


def _plain(value: Any, slots: dict[str, int]) -> Any:
    """Make lists, dicts and Latin-1 text of a part of the plan. `slots`: variables of its own."""
    kind = type(value)
    if kind in _AS_THEY_ARE:
        return value
    if isinstance(value, str):
        return value if value.isascii() else _latin(value)
    if kind is tuple:
        return [_plain(item, slots) for item in value]
    if kind is dict:
        return {key: _plain(item, slots) for key, item in value.items()}
    if kind is Variable:
        return _variable(value.var, slots)
    made = {}
    for name in _fields(kind):  # the innermost loop of a big configuration: most are numbers
        item = getattr(value, name)
        made[name] = item if type(item) in _AS_THEY_ARE else _plain(item, slots)
    return made


_AS_THEY_ARE = frozenset({int, bool, float, type(None)})


def _latin(value: str) -> str:
    return value.encode("utf-8", "surrogateescape").decode("latin-1")


_FIELDS: dict[type, tuple[str, ...]] = {}


def _fields(kind: type) -> tuple[str, ...]:
    known = _FIELDS.get(kind)
    if known is None:
        known = _FIELDS[kind] = tuple(field.name for field in dataclasses.fields(kind))
    return known


def _variable(name: str, slots: dict[str, int]) -> dict[str, Any]:
    if name.isdigit():
        return {"capture": int(name)}
    slot = slots.get(name.lower())
    return {"var": name} if slot is None else {"slot": slot}
