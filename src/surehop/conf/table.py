"""The directive table: one line says for each directive where it may stand and what it means.

To add a directive, add a line (and, for a new kind of value, a reader).
"""

import functools
from collections.abc import Iterable, Sequence
from typing import Any

from surehop.conf import (
    balancing,
    client_rows,
    files,
    filter_rows,
    geo,
    harmless,
    listening,
    logs,
    proxying,
    rewriting,
    routes,
    units,
    upstreams,
    values,
    variables,
)
from surehop.conf.entry_rows import ENTRY_ROWS
from surehop.conf.model import KeepaliveTimeout, User
from surehop.conf.rows import (
    HSL,
    LI,
    MANY as _MANY,
    OURS,
    OWN,
    REWRITES,
    SI,
    Directive,
    E,
    H,
    Inherit,
    L,
    M,
    S,
    U,
    accepted as _accepted,
    block as _block,
    ms_rows as _ms_rows,
    row as _row,
)
from surehop.conf.scope import Context, Scope
from surehop.conf.tree import Node

_number = values.one(units.number, "invalid number")
_ms = values.one(units.milliseconds)
_size = values.one(units.size)
_offset = values.one(units.offset)


def _processes(node: Node, _scope: Scope) -> int | None:
    word = node.args[0].value
    count = units.number(word)
    if word != "auto" and not count:
        raise node.fail('"worker_processes" directive invalid value', at=node.args[0])
    return None if word == "auto" else count


def _user(node: Node, _scope: Scope) -> User:
    name, *group = node.words
    return User(name, group[0] if group else None, listening.where(node))


def _daemon(node: Node, scope: Scope) -> bool:
    if values.flag(node, scope):
        raise node.fail(
            '"daemon on" is an nginx way to run that surehop does not support',
            hint="write `daemon off;` and let a supervisor such as systemd run it",
        )
    return False


RESILIENCE_RULES = ("attribution", "replay_keyed", "probe", "last_peer", "idle", "sent", "budget")
RESILIENCE = ("resilience", *(f"resilience_{rule}" for rule in RESILIENCE_RULES))

# fmt: off (a table: one row a directive)
DIRECTIVES: tuple[Directive, ...] = (
    *harmless.ROWS,
    *filter_rows.ROWS,
    # main and events
    _row("worker_processes", M, 1, _processes, 1),
    _row("user", M, (1, 2), _user),
    _row("pid", M, 1, values.one(str), "logs/nginx.pid"),
    _row("daemon", M, 1, _daemon, default=False),
    _row("worker_rlimit_nofile", M, 1, _number),
    *_ms_rows("worker_shutdown_timeout", M, 0),
    _row("env", M, 1, values.one(str), inherit=OWN, repeatable=True),
    _block("events", M, 0, Context.EVENTS, values.nothing),
    _row("worker_connections", E, 1, values.connections, 512),
    # http, server, location
    _block("http", M, 0, Context.HTTP, values.nothing),
    _block("server", H, 0, Context.SERVER, values.nothing),
    _row("listen", S, (1, _MANY), listening.read_listen, inherit=OWN, repeatable=True),
    _row("server_name", S, (1, _MANY), listening.read_server_name, inherit=OWN, repeatable=True),
    _block("location", S | L, (1, 2), Context.LOCATION, routes.read_location),
    _row(
        "keepalive_timeout",
        HSL,
        (1, 2),
        routes.read_keepalive_timeout,
        KeepaliveTimeout(75_000, None),
    ),
    _row("keepalive_requests", HSL, 1, _number, 1000),
    *_ms_rows("keepalive_time", HSL, 3_600_000),
    *_ms_rows("client_header_timeout", H | S, 60_000),
    *_ms_rows("client_body_timeout send_timeout", HSL, 60_000),
    _row("client_max_body_size", HSL, 1, _offset, 1 << 20),
    *client_rows.ROWS,
    _row("return", REWRITES, (1, 2), rewriting.read_return, inherit=OWN, repeatable=True),
    _row("rewrite", REWRITES, (2, 3), rewriting.read_rewrite, inherit=OWN, repeatable=True),
    _row("set", REWRITES, 2, rewriting.read_set, inherit=OWN, repeatable=True),
    _row("break", REWRITES, 0, rewriting.read_break, inherit=OWN, repeatable=True),
    _block("if", S, (1, _MANY), Context.SERVER_IF, rewriting.read_if),
    _block("if", L, (1, _MANY), Context.LOCATION_IF, rewriting.read_if),
    _row("rewrite_log", HSL | SI | LI, 1, values.flag, default=False),
    _row("uninitialized_variable_warn", HSL | SI | LI, 1, values.flag, default=True),
    _row("error_page", HSL | LI, (2, _MANY), rewriting.read_error_page, repeatable=True),
    _row("recursive_error_pages", HSL, 1, values.flag, default=False),
    _row("post_action", HSL | LI, 1, values.one(str)),
    _row("internal", L, 0, values.nothing),
    *(
        _row(f"{name}_redirect", HSL, 1, values.flag, default=True)
        for name in ("absolute", "port_in")
    ),
    _row("server_name_in_redirect", HSL, 1, values.flag, default=False),
    _row("merge_slashes", H | S, 1, values.flag, default=True),
    _block("map", H, 2, Context.VALUES, variables.read_map),
    _block("geo", H, (1, 2), Context.VALUES, geo.read_geo),
    _block("split_clients", H, 2, Context.VALUES, variables.read_split_clients),
    *_accepted("types_hash_max_size types_hash_bucket_size", HSL, _number),
    *_accepted("proxy_headers_hash_max_size proxy_headers_hash_bucket_size", HSL, _number),
    *ENTRY_ROWS,
    *files.ROWS,
    *logs.ROWS,
    *proxying.ROWS,
    # upstream
    _block("upstream", H, 1, Context.UPSTREAM, upstreams.check_upstream),
    _row("server", U, (1, _MANY), upstreams.read_member, inherit=OWN, repeatable=True),
    _row("zone", U, (1, 2), upstreams.read_zone, inherit=OWN, repeatable=True),
    _row("ip_hash", U, 0, balancing.read_method, inherit=OWN, repeatable=True),
    _row("hash", U, (1, 2), balancing.read_hash, inherit=OWN, repeatable=True),
    _row("random", U, (0, 2), balancing.read_random, inherit=OWN, repeatable=True),
    _row("least_conn", U, 0, balancing.read_method, inherit=OWN, repeatable=True),
    _row("least_time", U, (1, 2), balancing.read_least_time, inherit=OWN, repeatable=True),
    _row("queue", U, (1, 2), upstreams.read_queue, inherit=OWN),
    _row("sticky", U, (2, _MANY), balancing.read_sticky, inherit=OWN, repeatable=True),
    _row(
        "keepalive",
        U,
        (1, 2),
        upstreams.read_keepalive,
        upstreams.KeepaliveSize(32, local=True),
        inherit=OWN,
    ),
    _row("keepalive_requests", U, 1, _number, 1000, inherit=OWN),
    *_ms_rows("keepalive_time", U, 3_600_000, inherit=OWN),
    *_ms_rows("keepalive_timeout", U, 60_000, inherit=OWN),
    # Surehop's own; what an inner `resilience` undoes is worked out where the model is made
    *(_row(name, M | H | U, 1, values.flag, inherit=OWN, status=OURS) for name in RESILIENCE),
    _row("surehop_status", L, (0, 1), routes.read_status_page, inherit=OWN, status=OURS),
)
# fmt: on


def _by_name(rows: Iterable[Directive]) -> dict[str, tuple[Directive, ...]]:
    table: dict[str, tuple[Directive, ...]] = {}
    for row in rows:
        table[row.name] = (*table.get(row.name, ()), row)
    return table


TABLE = _by_name(DIRECTIVES)


@functools.cache
def find(name: str, context: Context) -> Directive | None:
    """Give the row for `name` in this kind of block."""
    return next((row for row in TABLE.get(name, ()) if context in row.contexts), None)


@functools.cache
def _held(name: str, context: Context) -> Directive | None:
    row = find(name, context)
    if row is None and context in {Context.LOCATION_IF, Context.LIMIT_EXCEPT}:
        return find(name, Context.LOCATION)
    return row


def holding(name: str, scope: Scope) -> Directive | None:
    """Give the row for `name` as it holds in `scope`: an `if` may not say what holds in it."""
    return _held(name, scope.context)


def settings_of(scope: Scope, name: str) -> Sequence[Any]:
    """Give all values of a repeatable directive as they hold in `scope`."""
    row = _held(name, scope.context)
    if row is None:
        raise LookupError(f"{name} can't stand in {scope.context}")
    at: Scope | None = scope
    while at is not None:
        own = at.settings.get(name)
        if own and find(name, at.context) is not None:
            return [setting.value for setting in own]
        if row.inherit is Inherit.OWN:
            break
        at = at.parent
    return row.default if row.repeatable and row.default is not None else ()


def value_of(scope: Scope, name: str) -> Any:
    """Give the value of `name` as it holds in `scope`: its own, an outer block's, the default."""
    found = settings_of(scope, name)
    row = holding(name, scope)
    return found[0] if found else row and row.default
