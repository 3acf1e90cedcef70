"""Model -> Plan."""

import os

from surehop.conf import model
from surehop.conf.address import Address
from surehop.conf.templates import Template, Variable
from surehop.errors import ConfigError, ConfigErrors
from surehop.plan import carrying, data, recording
from surehop.plan.entering import Entries, zone
from surehop.plan.groups import Groups
from surehop.plan.listeners import Listeners
from surehop.plan.logs import Logs
from surehop.plan.resolving import Resolver
from surehop.plan.scripts import Scripts, error_page
from surehop.plan.serving import Serving
from surehop.plan.temp_paths import TempPaths

NGINX_VERSION = "1.31.5"  # whose behaviour is kept
_HTTP_PORT = 80

# As a current nginx sends them, whatever the upstream keeps and whatever the HTTP version.
_HEADERS: tuple[tuple[str, Template], ...] = (
    ("Host", (Variable("proxy_host"),)),
    ("Connection", ()),
)


def build(
    source: model.Model,
    *,
    resolve: Resolver,
    resilience_default: bool,
    version: str,
    cpus: int | None = None,
) -> data.Plan:
    """Make the plan.

    `resilience_default` holds where the file says nothing; `version` is Surehop's; `cpus` is what
    `worker_processes auto` means, None asks the system. Raises ConfigErrors: names not found, and
    listeners that can't stand beside each other.
    """
    return _Builder(source, resolve, resilience_default=resilience_default).build(version, cpus)


class _Builder:
    def __init__(self, source: model.Model, resolve: Resolver, *, resilience_default: bool) -> None:
        self._source = source
        self._logs = Logs(source, resolve)
        self._locations: list[data.Location] = []
        self._groups = Groups(source, resolve, resilience_default=resilience_default)
        self._listeners = Listeners(resolve)
        self._entries = Entries(source.file, resolve)
        self._temp_paths = TempPaths(source)
        self._scripts = Scripts(source.variables, self._location)
        self._serving = Serving(source.prefix)

    def build(self, version: str, cpus: int | None) -> data.Plan:
        source = self._source
        error_log = self._logs.error_log(source.error_log)
        servers = tuple(self._server(server) for server in source.servers)
        listeners = self._listeners.finish(source.servers)
        errors = [
            *self._entries.errors,
            *self._logs.errors,
            *self._groups.errors,
            *self._listeners.errors,
            *self._temp_paths.errors,
        ]
        if source.worker_connections <= len(listeners):
            errors.append(_too_few(source.worker_connections, len(listeners)))
        if errors:
            raise ConfigErrors(errors)
        warnings = [_warned(warning) for warning in source.warnings]
        return data.Plan(
            server_header=f"surehop/{version}",
            nginx_version=NGINX_VERSION,
            prefix=self._serving.prefix,
            types=self._serving.types(),
            workers=source.worker_processes or cpus or len(os.sched_getaffinity(0)),
            worker_connections=source.worker_connections,
            shutdown_timeout_ms=source.shutdown_timeout_ms,
            strict=self._groups.strict,
            error_log=error_log,
            formats=tuple(recording.Format(form.escape, form.parts) for form in source.formats),
            listeners=listeners,
            sockets=tuple(
                (each.address, self._listeners.options.get(each.address) or model.ListenOptions())
                for each in listeners
                if each.by is None
            ),
            servers=servers,
            locations=tuple(self._locations),
            groups=self._groups.finish(),
            temp_paths=self._temp_paths.finish(),
            variables=self._scripts.variables(),
            zones=tuple(zone(each) for each in source.zones),
            files=self._logs.files(),
            log_caches=self._logs.caches(),
            warnings=(*warnings, *self._groups.warnings),
        )

    def _server(self, server: model.Server) -> data.Server:
        made = [(self._location(each), each) for each in server.locations]
        return data.Server(
            name=server.names[0],
            names=tuple(n for n in dict.fromkeys(server.names) if not n.startswith("~")),
            line=f"{server.where.file}:{server.where.line}",
            client_header_timeout_ms=server.client_header_timeout_ms,
            heads=server.heads,
            keepalive_timeout_ms=server.keepalive_timeout.timeout_ms,
            keepalive_header_s=server.keepalive_timeout.header_s,
            keepalive_requests=server.keepalive_requests,
            keepalive_time_ms=server.keepalive_time_ms,
            client_body_timeout_ms=server.client_body_timeout_ms,
            send_timeout_ms=server.send_timeout_ms,
            error_log=self._logs.error_log(server.error_log),
            access_log=self._logs.access_log(server.access_log, server.log_cache),
            locations=tuple(at for at, each in made if each.match != "named"),
            named=tuple((each.path, at) for at, each in made if each.match == "named"),
            regexes=tuple(self._scripts.regex(regex) for regex in server.regexes),
            own=self._location(server.own),
            script=self._scripts.steps(server.steps),
            merge_slashes=server.merge_slashes,
        )

    def _location(self, location: model.Location) -> int:
        routing = location.routing
        inner = tuple(self._location(each) for each in location.inner)
        limited = location.limit_except
        limits = None
        if limited is not None:
            limits = data.LimitExcept(limited.methods, self._location(limited.location))
        script = self._scripts.steps(location.steps)
        self._locations.append(
            data.Location(
                match="block" if location.match == "named" else location.match,
                path=location.path,
                error_log=self._logs.error_log(location.error_log),
                access_log=self._logs.access_log(location.access_log, location.log_cache),
                client_max_body_size=location.client_max_body_size,
                keepalive_timeout_ms=location.keepalive_timeout.timeout_ms,
                keepalive_header_s=location.keepalive_timeout.header_s,
                keepalive_requests=location.keepalive_requests,
                client_body_timeout_ms=location.client_body_timeout_ms,
                intake=self._intake(location.intake),
                patience=location.patience,
                send_timeout_ms=location.send_timeout_ms,
                filters=location.filters,
                action=self._action(location.action),
                files=self._serving.files(location.files),
                limit_except=limits,
                regex=self._scripts.regex(location.regex) if location.regex else None,
                inner=inner,
                script=script,
                error_pages=tuple(error_page(page) for page in routing.error_pages),
                recursive_error_pages=routing.recursive_error_pages,
                post_action=routing.post_action or None,
                internal=routing.internal,
                absolute_redirect=routing.absolute_redirect,
                port_in_redirect=routing.port_in_redirect,
                server_name_in_redirect=routing.server_name_in_redirect,
                rewrite_log=routing.rewrite_log,
                uninitialized_variable_warn=routing.uninitialized_variable_warn,
                entry=self._entries.of(location.entry),
            )
        )
        return len(self._locations) - 1

    def _intake(self, intake: model.Intake) -> data.Intake:
        return data.Intake(
            buffer_size=intake.buffer_size,
            in_file=intake.in_file,
            temp=self._temp_paths.index(intake.temp),
        )

    def _action(self, action: model.Action) -> data.Action:
        match action:
            case model.Nothing():
                return data.Nothing()
            case model.StatusPage(allow_remote):
                return data.StatusPage(allow_remote)
            case model.Stub():
                return data.Stub()
            case model.Proxy():
                return self._proxy(action)

    def _proxy(self, proxy: model.Proxy) -> data.Proxy:
        url = proxy.target.url
        group, scope = self._groups.target(url, proxy.where) if url else (None, 0)
        return data.Proxy(
            group=group,
            asked=proxy.target.asked,
            scope=scope,
            proxy_host=_proxy_host(url) if url else "",
            uri=url.uri or None if url else None,
            http_version=proxy.http_version,
            headers=_headers(proxy.headers),
            connect_timeout_ms=proxy.connect_timeout_ms,
            send_timeout_ms=proxy.send_timeout_ms,
            read_timeout_ms=proxy.read_timeout_ms,
            next_upstream=proxy.next_upstream,
            next_upstream_tries=proxy.next_upstream_tries,
            next_upstream_timeout_ms=proxy.next_upstream_timeout_ms,
            buffering=proxy.buffering,
            request_buffering=proxy.request_buffering,
            buffer_size=proxy.buffer_size,
            crossing=proxy.crossing,
            reply=self._scripts.reply(proxy.reply),
            carriage=self._carriage(proxy.carriage),
        )

    def _carriage(self, said: model.Carriage) -> carrying.Carriage:
        return carrying.Carriage(
            bind=said.bind,
            receive_buffer=said.receive_buffer,
            send_buffer=said.send_buffer,
            limit_rate=said.limit_rate,
            max_temp_file_size=said.max_temp_file_size,
            temp=self._temp_paths.index(said.temp),
            early_hints=said.early_hints,
        )


def _proxy_host(url: Address) -> str:
    if url.unix:
        return "localhost"
    return (
        url.host if not url.port_text or url.port == _HTTP_PORT else f"{url.host}:{url.port_text}"
    )


def _headers(given: tuple[tuple[str, Template], ...]) -> tuple[tuple[str, Template], ...]:
    """Put nginx's own headers behind those given, unless a given one takes their place."""
    names = {name.lower() for name, _ in given}
    return (*given, *(header for header in _HEADERS if header[0].lower() not in names))


def _too_few(connections: int, listeners: int) -> ConfigError:
    text = f"{connections} worker_connections are not enough for {listeners} listening sockets"
    return ConfigError(text, file="", line=None)


def _warned(warning: ConfigError) -> data.Warned:
    return data.Warned(str(warning), warning.hint)
