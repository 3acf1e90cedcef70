"""Scopes -> model: inheritance is worked out, and what only the whole can show is checked."""

from collections.abc import Iterable, Iterator
from typing import Any

from surehop.conf import balancing, logs, model
from surehop.conf.address import Address
from surehop.conf.admitting import entry_of, zones_missing, zones_of
from surehop.conf.conflicts import conflicting_names
from surehop.conf.crossing import carriage, check_buffers, crossing, reply
from surehop.conf.filtering import filters
from surehop.conf.harmless import unequal_masks
from surehop.conf.heads import heads, patience
from surehop.conf.intake import intake
from surehop.conf.listening import where
from surehop.conf.rewriting import Assigned, Branch
from surehop.conf.routes import HeaderLine, opened_by
from surehop.conf.scope import Context, Findings, Scope, Setting
from surehop.conf.serving import files
from surehop.conf.table import RESILIENCE, RESILIENCE_RULES, settings_of, value_of
from surehop.conf.templates import Template
from surehop.errors import ConfigError

_ANSWERS = ("proxy_pass", "surehop_status", "stub_status")


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
    findings.late.extend(zones_missing(http))
    findings.warnings.extend(unequal_masks(main, value_of(main, "worker_processes")))
    findings.warnings.extend(conflicting_names(servers))
    findings.late.extend(
        error for name, error in findings.unknown if name not in findings.variables
    )
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
        log_files=tuple(findings.log_files.items()),
        upstreams=tuple(upstreams),
        servers=tuple(servers),
        variables=tuple(_computed(findings)),
        regexes=tuple(findings.regexes),
        zones=zones_of(http),
        resilience=_resilience(http or main),
        warnings=tuple(findings.warnings),
        without_effect=tuple(findings.without_effect),
    )


def _within(scope: Scope | None, context: Context) -> list[Scope]:
    return list(scope.within(context)) if scope else []


def _server(scope: Scope, default_port: int) -> model.Server:
    node = _node(scope)
    names = [name for setting in scope.own("server_name") for name in setting.value]
    regexes = tuple(name.regex for name in names if name.regex)
    listens = tuple(each for setting in scope.own("listen") for each in setting.value)
    if not listens:
        everywhere = Address(f"*:{default_port}", "*", default_port)
        listens = (model.Listen(everywhere, default=False, where=where(node)),)
    scope.findings.late.extend(check_buffers(scope))
    locations = [_location(inner) for inner in scope.within(Context.LOCATION)]
    scope.findings.late.extend(_duplicate_locations(locations))
    return model.Server(
        names=tuple(name.text for name in names) or ("",),
        regexes=regexes,
        merge_slashes=value_of(scope, "merge_slashes"),
        steps=_steps(scope),
        own=_own(scope),
        where=where(node),
        listens=listens,
        client_header_timeout_ms=value_of(scope, "client_header_timeout"),
        heads=heads(scope),
        keepalive_time_ms=value_of(scope, "keepalive_time"),
        locations=tuple(locations),
        **_shared(scope),
    )


def _shared(scope: Scope) -> dict[str, Any]:
    """Give what servers and locations have in common."""
    return {
        "error_log": tuple(settings_of(scope, "error_log")),
        "access_log": _access_log(scope),
        "log_cache": value_of(scope, "open_log_file_cache"),
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
    opened = opened_by(scope)
    scope.findings.late.extend(check_buffers(scope))
    inner = tuple(_location(each) for each in scope.within(Context.LOCATION))
    scope.findings.late.extend(_duplicate_locations(list(inner)))
    return model.Location(
        match=opened.match,
        path=opened.path,
        regex=opened.regex,
        where=where(_node(scope)),
        action=_action(scope),
        files=files(scope),
        limit_except=_limit_except(scope),
        filters=filters(scope),
        routing=_routing(scope, internal=bool(value_of(scope, "internal"))),
        steps=_steps(scope),
        inner=inner,
        entry=entry_of(scope),
        intake=intake(scope),
        patience=patience(scope),
        **_shared(scope),
    )


def _own(scope: Scope) -> model.Location:
    """Give what holds in a server before a location is chosen."""
    return model.Location(
        match="block",
        path="",
        regex=None,
        where=where(_node(scope)),
        action=model.Stub() if scope.own("stub_status") else model.Nothing(),
        files=files(scope),
        limit_except=None,
        filters=filters(scope),
        routing=_routing(scope, internal=False),
        steps=(),
        inner=(),
        entry=entry_of(scope),
        intake=intake(scope),
        patience=patience(scope),
        **_shared(scope),
    )


def _block(scope: Scope) -> model.Location | None:
    """Give what holds in an `if` or `limit_except`; it answers as what is around it."""
    outer = scope.parent
    if scope.context not in {Context.LOCATION_IF, Context.LIMIT_EXCEPT} or outer is None:
        return None
    own = any(scope.own(name) for name in _ANSWERS)
    return model.Location(
        match="block",
        path=opened_by(outer).path,
        regex=None,
        where=where(_node(scope)),
        action=_action(scope if own else outer, said=scope),
        files=files(scope),
        limit_except=None,
        filters=filters(scope),
        routing=_routing(scope, internal=bool(value_of(outer, "internal"))),
        steps=(),
        inner=(),
        entry=entry_of(scope),
        intake=intake(scope),
        patience=patience(scope),
        **_shared(scope),
    )


def _limit_except(scope: Scope) -> model.LimitExcept | None:
    for block in scope.within(Context.LIMIT_EXCEPT):
        location = _block(block)
        if location is not None:
            return model.LimitExcept(scope.own_value("limit_except"), location)
    return None


def _steps(scope: Scope) -> tuple[model.Step, ...]:
    return tuple(_step(step) for step in scope.steps)


def _step(step: Any) -> model.Step:
    if isinstance(step, Branch):
        return model.If(step.test, _block(step.scope), _steps(step.scope))
    found: model.Step = step
    return found


def _routing(scope: Scope, *, internal: bool) -> model.Routing:
    pages = [page for line in settings_of(scope, "error_page") for page in line]
    flags = (
        *("post_action", "recursive_error_pages", "absolute_redirect", "port_in_redirect"),
        *("server_name_in_redirect", "rewrite_log", "uninitialized_variable_warn"),
    )
    said = {flag: value_of(scope, flag) for flag in flags}
    return model.Routing(error_pages=tuple(pages), internal=internal, **said)


def _computed(findings: Findings) -> Iterator[model.Computed]:
    for name, source in findings.variables.items():
        computed = isinstance(source, model.Map | model.Geo | model.Split)
        yield model.Computed(name, source if computed else isinstance(source, Assigned))


def _action(scope: Scope, *, said: Scope | None = None) -> model.Action:
    """Give what answers. `said`: the block whose settings hold, if it is another."""
    answers = [scope.own(name)[0].node for name in _ANSWERS if scope.own(name)]
    if len(answers) > 1:
        first, second = (node.name.value for node in answers)
        message = f'"{second}" and "{first}" can\'t stand in one location'
        scope.findings.late.append(answers[1].fail(message))
    if scope.own("surehop_status"):
        page: model.StatusPage = scope.own_value("surehop_status")
        return page
    if scope.own("stub_status"):
        return model.Stub()
    if not scope.own("proxy_pass"):
        return model.Nothing()
    return _proxy(scope.own("proxy_pass")[0], said or scope)


def _proxy(setting: Setting, scope: Scope) -> model.Proxy:
    return model.Proxy(
        target=setting.value,
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
        request_buffering=value_of(scope, "proxy_request_buffering"),
        buffer_size=value_of(scope, "proxy_buffer_size"),
        crossing=crossing(scope),
        reply=reply(scope),
        carriage=carriage(scope),
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
        queue=scope.own_value("queue"),
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
    seen: dict[tuple[bool, str], model.Where] = {}
    for location in locations:
        if location.regex or location.match == "named":
            continue
        key = (location.match == "exact", location.path)
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
        url = proxy.target.url
        name = names.get(url.host.lower()) if url and not url.unix else None
        if url and name is not None and url.port_text:
            message = f'upstream "{url.host}" may not have port {url.port}'
            yield proxy.where.fail(message, hint=f"write `proxy_pass http://{name};`")


def _proxies(servers: list[model.Server]) -> Iterator[model.Proxy]:
    for server in servers:
        for location in _all(server.locations):
            if isinstance(location.action, model.Proxy):
                yield location.action


def _all(locations: Iterable[model.Location]) -> Iterator[model.Location]:
    """Give the locations, those within them, and those of their blocks."""
    for location in locations:
        yield location
        yield from _all(location.inner)
        if location.limit_except is not None:
            yield location.limit_except.location
        yield from _all(
            step.location for step in location.steps if isinstance(step, model.If) and step.location
        )


def findings_of(findings: Findings) -> list[ConfigError]:
    """Give all errors, those that nginx would meet first in front."""
    return [*findings.errors, *findings.late]
