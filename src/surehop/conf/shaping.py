"""Scopes -> model: inheritance is worked out, and what only the whole can show is checked."""

from collections.abc import Iterable, Iterator
from typing import Any

from surehop.conf import balancing, logs, model
from surehop.conf.address import Address
from surehop.conf.crossing import crossing
from surehop.conf.listening import where
from surehop.conf.routes import HeaderLine
from surehop.conf.scope import Context, Findings, Scope
from surehop.conf.table import RESILIENCE, RESILIENCE_RULES, settings_of, value_of
from surehop.conf.templates import Template
from surehop.errors import ConfigError

_ANSWERS = ("proxy_pass", "surehop_status")


def shape(main: Scope, file: str, prefix: str, *, default_port: int) -> model.Model:
    """Make the model. Errors found here go to the scope's `findings.late`."""
    http = next(main.within(Context.HTTP), None)
    events = next(main.within(Context.EVENTS), None)
    findings = main.findings
    servers = [_server(scope, default_port) for scope in _within(http, Context.SERVER)]
    upstreams = [_upstream(scope) for scope in _within(http, Context.UPSTREAM)]
    formats = [setting.value for setting in http.own("log_format")] if http else []
    findings.late.extend(_ports_of_upstreams(servers, upstreams))
    findings.late.extend(_zones_without_size(_within(http, Context.UPSTREAM)))
    findings.warnings.extend(_conflicting_names(servers))
    return model.Model(
        file=file,
        prefix=prefix,
        worker_processes=value_of(main, "worker_processes"),
        worker_connections=value_of(events, "worker_connections") if events else 0,
        user=value_of(main, "user"),
        pid=value_of(main, "pid"),
        shutdown_timeout_ms=value_of(main, "worker_shutdown_timeout"),
        open_files=value_of(main, "worker_rlimit_nofile"),
        environment=tuple(setting.value for setting in main.own("env")),
        error_log=tuple(settings_of(main, "error_log")),
        formats=(logs.COMBINED, *formats),
        upstreams=tuple(upstreams),
        servers=tuple(servers),
        resilience=_resilience(http or main),
        warnings=tuple(findings.warnings),
        without_effect=tuple(findings.without_effect),
    )


def _within(scope: Scope | None, context: Context) -> list[Scope]:
    return list(scope.within(context)) if scope else []


def _server(scope: Scope, default_port: int) -> model.Server:
    node = _node(scope)
    names = [name for setting in scope.own("server_name") for name in setting.value]
    listens = tuple(setting.value for setting in scope.own("listen"))
    if not listens:
        everywhere = Address(f"*:{default_port}", "*", default_port)
        listens = (model.Listen(everywhere, default=False, where=where(node)),)
    locations = [_location(inner) for inner in scope.within(Context.LOCATION)]
    scope.findings.late.extend(_duplicate_locations(locations))
    answers = scope.own("return")
    return model.Server(
        names=tuple(names) or ("",),
        where=where(node),
        listens=listens,
        client_header_timeout_ms=value_of(scope, "client_header_timeout"),
        keepalive_time_ms=value_of(scope, "keepalive_time"),
        answer=answers[0].value if answers else None,
        locations=tuple(locations),
        **_shared(scope),
    )


def _shared(scope: Scope) -> dict[str, Any]:
    """Give what servers and locations have in common."""
    return {
        "error_log": tuple(settings_of(scope, "error_log")),
        "access_log": _access_log(scope),
        "client_max_body_size": value_of(scope, "client_max_body_size"),
        "client_body_timeout_ms": value_of(scope, "client_body_timeout"),
        "send_timeout_ms": value_of(scope, "send_timeout"),
        "keepalive_timeout": value_of(scope, "keepalive_timeout"),
        "keepalive_requests": value_of(scope, "keepalive_requests"),
    }


def _access_log(scope: Scope) -> tuple[model.AccessLog, ...]:
    found: list[model.AccessLog] = list(settings_of(scope, "access_log"))
    return () if any(log.path is None for log in found) else tuple(found)


def _location(scope: Scope) -> model.Location:
    node = _node(scope)
    match, path = _opened(scope)
    return model.Location(
        match=match, path=path, where=where(node), action=_action(scope), **_shared(scope)
    )


def _opened(scope: Scope) -> tuple[str, str]:
    """Give the value of the `location` line that opened `scope`."""
    settings = scope.parent.own("location") if scope.parent else []
    found = next((s.value for s in settings if s.node is scope.node), ("prefix", ""))
    return found[0], found[1]


def _action(scope: Scope) -> model.Action:
    answers = [scope.own(name)[0].node for name in _ANSWERS if scope.own(name)]
    if len(answers) > 1:
        first, second = (node.name.value for node in answers)
        message = f'"{second}" and "{first}" can\'t stand in one location'
        scope.findings.late.append(answers[1].fail(message))
    if scope.own("return"):
        answer: model.Return = scope.own_value("return")
        return answer
    if scope.own("surehop_status"):
        page: model.StatusPage = scope.own_value("surehop_status")
        return page
    return _proxy(scope) if scope.own("proxy_pass") else model.Nothing()


def _proxy(scope: Scope) -> model.Proxy:
    setting = scope.own("proxy_pass")[0]
    return model.Proxy(
        url=setting.value,
        where=where(setting.node),
        headers=tuple(_headers(scope)),
        http_version=value_of(scope, "proxy_http_version"),
        connect_timeout_ms=value_of(scope, "proxy_connect_timeout"),
        send_timeout_ms=value_of(scope, "proxy_send_timeout"),
        read_timeout_ms=value_of(scope, "proxy_read_timeout"),
        next_upstream=_next_upstream(scope),
        next_upstream_tries=value_of(scope, "proxy_next_upstream_tries"),
        next_upstream_timeout_ms=value_of(scope, "proxy_next_upstream_timeout"),
        buffering=value_of(scope, "proxy_buffering"),
        buffer_size=value_of(scope, "proxy_buffer_size"),
        crossing=crossing(scope),
    )


def _headers(scope: Scope) -> Iterator[tuple[str, Template]]:
    line: HeaderLine
    for line in settings_of(scope, "proxy_set_header"):
        try:
            yield line.compiled(scope)
        except ConfigError as error:
            scope.findings.late.append(error)


def _next_upstream(scope: Scope) -> tuple[str, ...]:
    """Take the words of all lines of the block together; `off` among them wins."""
    words = [word for line in settings_of(scope, "proxy_next_upstream") for word in line]
    return () if "off" in words else tuple(w for w in dict.fromkeys(words) if w != "updating")


def _upstream(scope: Scope) -> model.Upstream:
    node = _node(scope)
    size = value_of(scope, "keepalive")
    zones = scope.own("zone")
    return model.Upstream(
        name=node.args[0].value if node.args else "",
        where=where(node),
        members=tuple(setting.value for setting in scope.own("server")),
        zone=zones[-1].value.name if zones else None,
        balance=balancing.method_of(scope),
        sticky=scope.own_value("sticky"),
        keepalive=model.Keepalive(
            connections=size.connections,
            local=size.local,
            requests=value_of(scope, "keepalive_requests"),
            time_ms=value_of(scope, "keepalive_time"),
            timeout_ms=value_of(scope, "keepalive_timeout"),
        ),
        resilience=_resilience(scope),
    )


def _resilience(scope: Scope) -> model.Resilience:
    """Work from the file inwards: `resilience` sets all seven anew, a rule's own line one."""
    found: dict[str, bool | None] = dict.fromkeys(RESILIENCE_RULES)
    for outer in reversed(list(scope.outward())):
        everything = outer.own_value(RESILIENCE[0])
        if everything is not None:
            found = dict.fromkeys(RESILIENCE_RULES, everything)
        for rule in RESILIENCE_RULES:
            own = outer.own_value(f"resilience_{rule}")
            found[rule] = found[rule] if own is None else own
    return model.Resilience(**found)


def _node(scope: Scope) -> Any:
    if scope.node is None:
        raise LookupError("the file itself was opened by no directive")
    return scope.node


def _duplicate_locations(locations: list[model.Location]) -> Iterator[ConfigError]:
    seen: dict[tuple[str, str], model.Where] = {}
    for location in locations:
        key = (location.match, location.path)
        if key in seen:
            hint = f"it stands in line {seen[key].line} already"
            yield location.where.fail(f'duplicate location "{location.path}"', hint=hint)
        seen.setdefault(key, location.where)


def _zones_without_size(upstreams: list[Scope]) -> Iterator[ConfigError]:
    zones = [zone for scope in upstreams for zone in scope.own("zone")]
    sized = {zone.value.name for zone in zones if zone.value.size}
    for zone in zones:
        if zone.value.name not in sized:
            message = f'zero size shared memory zone "{zone.value.name}"'
            yield zone.node.fail(message, hint="write `zone NAME 64k;`")


def _ports_of_upstreams(
    servers: list[model.Server], upstreams: list[model.Upstream]
) -> Iterator[ConfigError]:
    """An upstream block has no port of its own, so `proxy_pass` can't name one."""
    names = {upstream.name.lower(): upstream.name for upstream in upstreams}
    for upstream in upstreams:
        if all(member.backup for member in upstream.members):
            yield upstream.where.fail(f'no servers in upstream "{upstream.name}"')
    for proxy in _proxies(servers):
        name = names.get(proxy.url.host.lower()) if not proxy.url.unix else None
        if name is not None and proxy.url.port_text:
            message = f'upstream "{proxy.url.host}" may not have port {proxy.url.port}'
            yield proxy.where.fail(message, hint=f"write `proxy_pass http://{name};`")


def _proxies(servers: list[model.Server]) -> Iterator[model.Proxy]:
    for server in servers:
        for location in server.locations:
            if isinstance(location.action, model.Proxy):
                yield location.action


def _conflicting_names(servers: Iterable[model.Server]) -> Iterator[ConfigError]:
    seen: set[tuple[str, str]] = set()
    for server in servers:
        own: set[tuple[str, str]] = set()
        for listen in server.listens:
            address = listen.address.literal or listen.address.text
            own.update((name, address) for name in server.names)
        for name, address in sorted(own & seen):
            message = f'conflicting server name "{name}" on {address}, ignored'
            yield server.where.fail(message)
        seen |= own


def findings_of(findings: Findings) -> list[ConfigError]:
    """Give all errors, those that nginx would meet first in front."""
    return [*findings.errors, *findings.late]
