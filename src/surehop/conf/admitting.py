"""What a block asks of who comes in: its own words and those it takes over."""

from collections.abc import Iterator

from surehop.conf import entry
from surehop.conf.entering import RULES
from surehop.conf.limiting import Limit
from surehop.conf.scope import Scope
from surehop.conf.table import settings_of, value_of
from surehop.conf.templates import Text
from surehop.errors import ConfigError

# Of a delayed request nginx tells one level below that of a rejected one.
_BELOW = {"error": "warn", "warn": "notice", "notice": "info", "info": "info"}


def entry_of(scope: Scope) -> entry.Entry | None:
    """Give what holds in `scope`, None if nothing does."""
    found = entry.Entry(
        rules=_rules(scope),
        satisfy_any=value_of(scope, "satisfy") == "any",
        basic=_basic(scope),
        auth_delay_ms=value_of(scope, "auth_delay"),
        ask=_ask(scope),
        requests=_requests(scope),
        connections=_connections(scope),
        real_ip=_real_ip(scope),
        log_subrequest=value_of(scope, "log_subrequest"),
    )
    return None if found.asks_nothing else found


def _rules(scope: Scope) -> tuple[entry.Rule, ...]:
    """Give the nearest block's: `allow` and `deny` are taken over together or not at all."""
    for outer in scope.outward():
        if outer.own(RULES):
            return tuple(rule for setting in outer.own(RULES) for rule in setting.value)
    return ()


def _basic(scope: Scope) -> entry.Basic | None:
    realm, users = value_of(scope, "auth_basic"), value_of(scope, "auth_basic_user_file")
    if realm is None or users is None or realm == (Text("off"),):
        return None
    return entry.Basic(realm, users)


def _ask(scope: Scope) -> entry.Ask | None:
    uri = value_of(scope, "auth_request")
    return entry.Ask(uri, tuple(settings_of(scope, "auth_request_set"))) if uri else None


def _requests(scope: Scope) -> entry.RequestLimits | None:
    limits = tuple(settings_of(scope, "limit_req"))
    if not limits:
        return None
    level = value_of(scope, "limit_req_log_level")
    return entry.RequestLimits(
        limits=limits,
        status=value_of(scope, "limit_req_status"),
        level=level,
        delay_level=_BELOW[level],
        dry_run=value_of(scope, "limit_req_dry_run"),
    )


def _connections(scope: Scope) -> entry.ConnectionLimits | None:
    limits = tuple(settings_of(scope, "limit_conn"))
    if not limits:
        return None
    return entry.ConnectionLimits(
        limits=limits,
        status=value_of(scope, "limit_conn_status"),
        level=value_of(scope, "limit_conn_log_level"),
        dry_run=value_of(scope, "limit_conn_dry_run"),
    )


def _real_ip(scope: Scope) -> entry.RealIp | None:
    trusted = tuple(settings_of(scope, "set_real_ip_from"))
    if not trusted:
        return None
    header = value_of(scope, "real_ip_header")
    return entry.RealIp(trusted, header, value_of(scope, "real_ip_recursive"))


def zones_of(http: Scope | None) -> tuple[Limit, ...]:
    """Give the zones of `limit_req_zone` and `limit_conn_zone`, in this order."""
    names = ("limit_req_zone", "limit_conn_zone")
    return tuple(s.value for name in names for s in (http.own(name) if http else ()))


def zones_missing(scope: Scope | None) -> Iterator[ConfigError]:
    """Find limits whose zone nobody makes; nginx finds each name once, at the end."""
    made = {zone.name for zone in zones_of(scope)}
    told: set[str] = set()
    waiting = [scope] if scope else []
    while waiting:
        inner = waiting.pop(0)
        waiting.extend(inner.children)
        for setting in (*inner.own("limit_req"), *inner.own("limit_conn")):
            name = setting.value.zone
            if name not in made | told:
                told.add(name)
                message = f'zero size shared memory zone "{name}"'
                yield setting.node.fail(message, hint="make it with `limit_req_zone` or the like")
