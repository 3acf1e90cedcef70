"""What both clients are made of and made with."""

import os
import weakref
from collections.abc import Callable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal, Protocol, TypedDict, Unpack

from surehop._core import Transport
from surehop.client.content import Content, Data, Files
from surehop.client.cookies import Cookies, CookieTypes
from surehop.client.core import Core
from surehop.client.environment import Proxies, read_proxies
from surehop.client.headers import Headers, HeaderTypes
from surehop.client.hosts.host import Host
from surehop.client.interceptors import Interceptors
from surehop.client.options import (
    DEFAULT_LIMITS,
    DEFAULT_TIMEOUT,
    Limits,
    Proxy,
    Timeout,
    TimeoutTypes,
    Unset,
    Upstream,
    checked_number,
)
from surehop.client.params import QueryParams, QueryParamTypes
from surehop.client.request import Request
from surehop.client.retry import RetryTypes, read_retry
from surehop.client.routes import Ways
from surehop.client.settings import (
    AuthTypes,
    EventHooks,
    Settings,
    read_auth,
    read_base,
    read_hooks,
)
from surehop.client.trust import CertTypes, Trust, VerifyTypes
from surehop.client.url import URL
from surehop.plan.client import TransportPlan, milliseconds


class Building(TypedDict, total=False):
    """What a request is built of, beside its method and URL."""

    content: Content | None
    data: Data | None
    files: Files | None
    json: Any
    params: "QueryParamTypes | None"
    headers: "HeaderTypes | None"
    cookies: "CookieTypes | None"
    timeout: "TimeoutTypes | Unset"
    extensions: Mapping[str, Any] | None


class Sending(TypedDict, total=False):
    """How a request is sent. `retry` None: it goes once."""

    auth: AuthTypes | Unset | None
    follow_redirects: bool | Unset
    retry: RetryTypes | Unset


class Options(Building, Sending, total=False):
    """All of a request."""


class Provider(Protocol):
    """What of OpenTelemetry's `TracerProvider` is used."""

    def get_tracer(self, name: str, /) -> Any: ...


class Construction(TypedDict, total=False):
    """All of a client."""

    auth: AuthTypes | None
    params: "QueryParamTypes | None"
    headers: "HeaderTypes | None"
    cookies: "CookieTypes | None"
    verify: VerifyTypes
    cert: CertTypes | None
    trust_env: bool
    proxy: Proxy | URL | str | None
    timeout: TimeoutTypes
    follow_redirects: bool
    limits: Limits
    max_redirects: int
    event_hooks: EventHooks | None
    base_url: URL | str
    default_encoding: str | Callable[[bytes], str]
    retries: RetryTypes
    retry: RetryTypes
    upstreams: Mapping[str, Upstream | list[str]] | None
    uds: str | Path | None
    local_address: str | None
    resilience: Mapping[str, bool] | None
    tracing: bool | Provider
    # httpx's, which may be said as long as they ask for nothing.
    transport: None
    mounts: None
    http1: Literal[True]
    http2: Literal[False]


_HTTPX_ONLY = {
    "transport": "`surehop.httpx.Transport` goes into `httpx.Client(transport=…)`; in tests, "
    "start a server",
    "mounts": "`proxy=` is for proxies, `upstreams=` for servers of your own",
    "http2": "HTTP/1.1 is spoken",
    "http1": "HTTP/1.1 is spoken",
    "app": "start the application in a server",
}
_HTTPX_DEFAULTS = {"transport": None, "mounts": None, "http1": True, "http2": False}
RESILIENCE = ("attribution", "replay_keyed", "probe", "last_peer", "idle", "sent", "budget")


class Hosts(Protocol):
    """Where a client is run."""

    def begin(self, transport: Transport) -> None: ...
    def find(self) -> Host: ...
    def close(self) -> None: ...


class BaseClient:
    """The defaults, as properties that may be set; what is common to both clients."""

    def __init__(self, hosts: Hosts, options: Construction) -> None:
        _refuse_unknown(options)
        limits = options.get("limits", DEFAULT_LIMITS)
        if not isinstance(limits, Limits):
            raise TypeError(f"`limits` is a `Limits`, not `{limits!r}`")
        self._hosts = hosts
        self._plan = _transport_plan(limits, options.get("resilience")).to_json()
        transport = Transport(self._plan)
        hosts.begin(transport)
        self._opened = False
        retry = options.get("retry", options.get("retries"))
        self._trust_env = options.get("trust_env", True)
        self._core = Core(
            Settings(
                user_agent=f"surehop/{version('surehop')}",
                auth=options.get("auth"),
                params=options.get("params"),
                headers=options.get("headers"),
                cookies=options.get("cookies"),
                timeout=options.get("timeout", DEFAULT_TIMEOUT),
                event_hooks=options.get("event_hooks"),
                base_url=options.get("base_url", ""),
            ),
            hosts=hosts,
            transport=transport,
            ways=_ways(options),
            retry=read_retry(retry),
            follow_redirects=options.get("follow_redirects", False),
            max_redirects=checked_number("max_redirects", options.get("max_redirects", 20)),
            default_encoding=options.get("default_encoding", "utf-8"),
            tracer=_tracer(options.get("tracing", False)),
        )
        _clients.add(self)

    def build_request(self, method: str, url: URL | str, **options: Unpack[Building]) -> Request:
        """A request with the client's defaults merged in; `send` sends it."""
        return self._core.settings.build(method, url, **options)

    def stats(self) -> dict[str, Any]:
        """Requests under way, connections, those at rest, requests that wait for one."""
        return self._core.transport.stats()

    @property
    def interceptors(self) -> Interceptors:
        """`client.interceptors.request.use(…)`, `….response.use(…)`."""
        return self._core.interceptors

    @property
    def is_closed(self) -> bool:
        return self._core.closed

    @property
    def trust_env(self) -> bool:
        return self._trust_env

    @property
    def headers(self) -> Headers:
        return self._core.settings.headers

    @headers.setter
    def headers(self, headers: HeaderTypes) -> None:
        self._core.settings.headers = self._core.settings.read_headers(headers)

    @property
    def cookies(self) -> Cookies:
        return self._core.settings.cookies

    @cookies.setter
    def cookies(self, cookies: CookieTypes) -> None:
        self._core.settings.cookies = Cookies(cookies)

    @property
    def params(self) -> QueryParams:
        return self._core.settings.params

    @params.setter
    def params(self, params: QueryParamTypes) -> None:
        self._core.settings.params = QueryParams(params)

    @property
    def auth(self) -> Any:
        return self._core.settings.auth

    @auth.setter
    def auth(self, auth: AuthTypes | None) -> None:
        self._core.settings.auth = read_auth(auth)

    @property
    def base_url(self) -> URL:
        return self._core.settings.base_url

    @base_url.setter
    def base_url(self, url: URL | str) -> None:
        self._core.settings.base_url = read_base(url)
        self._core.forget_lines()

    @property
    def timeout(self) -> Timeout:
        return self._core.settings.timeout

    @timeout.setter
    def timeout(self, timeout: TimeoutTypes) -> None:
        self._core.settings.timeout = Timeout.of(timeout)

    @property
    def event_hooks(self) -> dict[str, list[Callable[..., Any]]]:
        return self._core.settings.event_hooks

    @event_hooks.setter
    def event_hooks(self, hooks: EventHooks) -> None:
        self._core.settings.event_hooks = read_hooks(hooks)

    @property
    def follow_redirects(self) -> bool:
        return self._core.follow_redirects

    @follow_redirects.setter
    def follow_redirects(self, follow: bool) -> None:
        self._core.follow_redirects = follow

    @property
    def max_redirects(self) -> int:
        return self._core.max_redirects

    @max_redirects.setter
    def max_redirects(self, most: int) -> None:
        self._core.max_redirects = checked_number("max_redirects", most)

    def __repr__(self) -> str:
        told = f"base_url={self.base_url!r}" if self.base_url.host else ""
        if self.is_closed:
            told = f"{told}, closed".lstrip(", ")
        return f"{type(self).__name__}({told})"

    def _enter(self) -> None:
        if self._core.closed:
            raise RuntimeError("the client has been closed, and can't be opened again")
        if self._opened:
            raise RuntimeError("the client is open already")
        self._opened = True

    def _close(self) -> None:
        if not self._core.closed:
            self._core.closed = True
            self._hosts.close()

    def _begin_anew(self) -> None:
        """In a forked child: nothing of the parent's connections is touched."""
        self._core.transport.abandon()
        if self._core.closed:
            return
        transport = Transport(self._plan)
        self._hosts.begin(transport)
        self._core.begin(transport)


_clients: "weakref.WeakSet[BaseClient]" = weakref.WeakSet()


def _before_fork() -> None:
    for client in list(_clients):
        if not client._core.closed:  # noqa: SLF001
            client._core.transport.suspend()  # noqa: SLF001


def _after_in_parent() -> None:
    for client in list(_clients):
        if not client._core.closed:  # noqa: SLF001
            client._core.transport.resume()  # noqa: SLF001


def _after_in_child() -> None:
    for client in list(_clients):
        client._begin_anew()  # noqa: SLF001


os.register_at_fork(
    before=_before_fork, after_in_parent=_after_in_parent, after_in_child=_after_in_child
)


def _refuse_unknown(options: Construction) -> None:
    for name, value in options.items():
        if name in _HTTPX_DEFAULTS and value == _HTTPX_DEFAULTS[name]:
            continue
        if name in _HTTPX_DEFAULTS or name not in Construction.__annotations__:
            hint = _HTTPX_ONLY.get(name)
            raise TypeError(
                f"a client has no option `{name}`" + (f"\nhint: {hint}" if hint else "")
            )
    if "retry" in options and "retries" in options:
        raise TypeError("`retries` and `retry` are two names of one option: give one")


def _tracer(told: object) -> Any:
    if told is False or told is None:
        return None
    from surehop.client.tracing import Tracer  # noqa: PLC0415  OpenTelemetry need not be there

    return Tracer(told)


def _transport_plan(limits: Limits, resilience: Mapping[str, bool] | None) -> TransportPlan:
    for name in resilience or ():
        if name not in RESILIENCE:
            raise ValueError(f"`resilience` has {', '.join(RESILIENCE)}, not `{name}`")
    return TransportPlan(
        limits.max_connections,
        limits.max_keepalive_connections,
        milliseconds(limits.keepalive_expiry),
        **(resilience or {}),
    )


def _ways(options: Construction) -> Ways:
    proxy = options.get("proxy")
    by_pattern: dict[str, Proxy | None] = {}
    if proxy is not None:
        by_pattern = {"all://": proxy if isinstance(proxy, Proxy) else Proxy(proxy)}
    elif options.get("trust_env", True):
        by_pattern = read_proxies()
    upstreams = {
        name: one if isinstance(one, Upstream) else Upstream(one)
        for name, one in (options.get("upstreams") or {}).items()
    }
    trust = Trust(options.get("verify", True), options.get("cert"))
    uds = options.get("uds")
    local = options.get("local_address")
    if local is not None and local.count(":") > 1 and not local.startswith("["):
        local = f"[{local}]:0"
    return Ways(
        trust,
        trust if options.get("cert") is None else Trust(options.get("verify", True)),
        Proxies(by_pattern),
        upstreams,
        None if uds is None else str(uds),
        local if local is None or ":" in local else f"{local}:0",
    )
