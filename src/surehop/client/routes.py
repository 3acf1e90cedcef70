"""From a URL to a target of the transport: an origin, an upstream, by way of a proxy or not."""

import threading
from base64 import b64encode
from collections import OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from surehop._core import Tls, Transport
from surehop.client.environment import Proxies
from surehop.client.options import Proxy, Upstream
from surehop.client.parts import DEFAULT_PORTS
from surehop.client.trust import Trust
from surehop.client.url import URL
from surehop.errors import UnsupportedProtocol
from surehop.plan.client import PeerPlan, ProxyPlan, TargetPlan, milliseconds

_MOST_TARGETS: Final = 1000  # a crawler meets more hosts than anybody wants to remember
_FADING: Final = 64


@dataclass(frozen=True, slots=True)
class Route:
    """A target, the Host line that it gets by itself, and what a forward proxy needs to be told.

    `upstream`: the peers' own Host lines go out. `forward`: the request line has the whole URL,
    and these header lines come with it; None without such a proxy.
    """

    target: int
    host: bytes
    upstream: bool = False
    forward: bytes | None = None


@dataclass(frozen=True, slots=True)
class Ways:
    """What decides where requests go."""

    trust: Trust
    proxy_trust: Trust
    proxies: Proxies
    upstreams: Mapping[str, Upstream]
    uds: str | None = None
    local_address: str | None = None


class Routes:
    """The targets of one transport."""

    def __init__(self, transport: Transport, ways: Ways) -> None:
        self._transport = transport
        self._ways = ways
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[str, str, int | None, str], Route] = OrderedDict()
        # Another thread may just have found what is to be forgotten: it goes a while later.
        self._fading: deque[int] = deque()
        self.epoch = 0  # another one: what was found before may be forgotten

    def find(self, url: URL, sni: str | None = None) -> Route:
        """UnsupportedProtocol if it is neither `http` nor `https`, or names no host."""
        key = (url.scheme, url.host, url.port, sni or "")
        route = self._known.get(key)
        return route or self._add(key, url, sni)

    def _add(self, key: tuple[str, str, int | None, str], url: URL, sni: str | None) -> Route:
        with self._lock:  # two targets for one origin would be two pools
            route = self._known.get(key)
            if route is None:
                route = self._known[key] = self._make(url, sni)
                if len(self._known) > _MOST_TARGETS:
                    self._forget()
            return route

    def _forget(self) -> None:
        """Give the oldest up; upstreams stay, since they know how their servers are."""
        for key, route in self._known.items():
            if not route.upstream:
                del self._known[key]
                self.epoch += 1
                self._fading.append(route.target)
                if len(self._fading) > _FADING:
                    self._transport.forget(self._fading.popleft())
                return

    def _make(self, url: URL, sni: str | None) -> Route:
        if url.scheme not in ("http", "https"):
            said = f"`{url.scheme}://`" if url.scheme else "no scheme"
            raise UnsupportedProtocol(
                f"a URL begins with `http://` or `https://`, this one with {said}",
                hint=None if url.scheme else "say the whole URL, or give the client a `base_url`",
            )
        if not url.host:
            raise UnsupportedProtocol(f"the URL `{url.scheme}://` names no host")
        upstream = self._ways.upstreams.get(url.host) if url.port is None else None
        if upstream is not None:
            return self._upstream(url, upstream)
        return self._origin(url, sni)

    def _origin(self, url: URL, sni: str | None) -> Route:
        ways = self._ways
        proxy = None if ways.uds else ways.proxies.find(url)
        secure = url.scheme == "https"
        peer = _peer(url, sni=sni, unix=ways.uds)
        told = None if proxy is None else _proxy(proxy, tunnel=secure)
        plan = TargetPlan(
            f"{url.scheme}://{peer.authority}",
            "round_robin",
            (peer,),
            told,
            ways.local_address,
        )
        forward = None
        if proxy is not None and not secure:
            forward = _lines(proxy)
        return Route(
            self._target(plan, secure=secure, proxy=proxy),
            peer.authority.encode(),
            forward=forward,
        )

    def _upstream(self, url: URL, upstream: Upstream) -> Route:
        first = [URL(text) for text in upstream.urls]
        spare = [URL(text) for text in upstream.backup]
        if url.scheme == "https" and any(one.scheme == "http" for one in (*first, *spare)):
            raise UnsupportedProtocol(
                f"`https://{url.host}` would go out in plain text: a server of the upstream is "
                f"`http://`",
                hint=f"ask for `http://{url.host}`, or let every server be `https://`",
            )
        weights = upstream.weights or [1] * len(first)
        peers = [_peer(one, upstream, weight=w) for one, w in zip(first, weights, strict=True)]
        peers += [_peer(one, upstream, backup=True) for one in spare]
        plan = TargetPlan(
            url.host,
            upstream.balance,
            tuple(peers),
            local_address=self._ways.local_address,
        )
        secure = any(peer.tls for peer in peers)
        target = self._target(plan, secure=secure, proxy=None)
        return Route(target, url.netloc, upstream=True)

    def _target(self, plan: TargetPlan, *, secure: bool, proxy: Proxy | None) -> int:
        tls: Tls | None = self._ways.trust.tls if secure else None
        proxy_tls = None
        if proxy is not None and proxy.url.scheme == "https":
            proxy_tls = self._ways.proxy_trust.tls
        return self._transport.target(plan.to_json(), tls, proxy_tls)


def _peer(
    url: URL,
    upstream: Upstream | None = None,
    *,
    sni: str | None = None,
    unix: str | None = None,
    weight: int = 1,
    backup: bool = False,
) -> PeerPlan:
    authority = url.netloc.decode("ascii")
    host = url.raw_host.decode("ascii")
    port = url.port or DEFAULT_PORTS[url.scheme]
    tls = url.scheme == "https"
    name = f"{url.scheme}://{authority}"
    place = f"[{host}]" if ":" in host else host  # a tunnel's authority is made of it
    if upstream is None:
        # One origin is never taken out; `max_fails` says so twice.
        return PeerPlan(name, place, port, tls, sni or host, authority, unix, max_fails=0)
    return PeerPlan(
        name,
        place,
        port,
        tls,
        host,
        authority,
        unix,
        weight=weight,
        max_fails=upstream.max_fails,
        fail_timeout=milliseconds(upstream.fail_timeout) or 0,
        max_conns=upstream.max_conns,
        slow_start=round(upstream.slow_start * 1000),
        backup=backup,
    )


def _proxy(proxy: Proxy, *, tunnel: bool) -> ProxyPlan:
    url = proxy.url
    host = url.raw_host.decode("ascii")
    tls = url.scheme == "https"
    port = url.port or DEFAULT_PORTS[url.scheme]
    headers = _lines(proxy).decode("latin-1") if tunnel else ""
    return ProxyPlan(host, port, tls, host, tunnel, headers)


def _lines(proxy: Proxy) -> bytes:
    """The header lines that are for the proxy alone."""
    lines = proxy.headers.wire()
    if proxy.auth is not None:
        user = b64encode(f"{proxy.auth[0]}:{proxy.auth[1]}".encode())
        lines += b"Proxy-Authorization: Basic " + user + b"\r\n"
    return lines
