"""Proxies by name, as toxiproxy has them: origins (upstream `lab:PROFILE`), and relays."""

from collections.abc import Mapping, Sequence
from ipaddress import ip_address
from typing import Any

from surehop.lab.origins.behaviour import Behaviour
from surehop.lab.origins.profiles import PROFILES
from surehop.lab.origins.server import Server
from surehop.lab.toxics import Place, Relay, Toxic, ToxicError, parted

ORIGIN = "origin"
_LAB = "lab:"


class Proxy:
    """A name, toxics, and what runs under them: an origin or a relay."""

    def __init__(self, name: str, runs: Server | Relay) -> None:
        self.name = name
        self.runs = runs
        self._toxics: dict[str, Toxic] = {}

    @property
    def toxics(self) -> list[Toxic]:
        """Those of the upstream first, as toxiproxy shows them."""
        return sorted(self._toxics.values(), key=lambda toxic: toxic.stream, reverse=True)

    def toxic(self, name: str) -> Toxic:
        try:
            return self._toxics[name]
        except KeyError:
            raise ToxicError("toxic not found", 404) from None

    def add(self, toxic: Toxic) -> Toxic:
        if toxic.name in self._toxics:
            raise ToxicError("toxic already exists", 409)
        return self.put(toxic)

    def put(self, toxic: Toxic) -> Toxic:
        """Have it from now on, in the place of one of its name."""
        self._have({**self._toxics, toxic.name: toxic})
        return toxic

    def remove(self, name: str) -> None:
        self.toxic(name)
        self._have({n: t for n, t in self._toxics.items() if n != name})

    async def reset(self) -> None:
        """No toxics, enabled, and an origin as it began."""
        self._have({})
        if isinstance(self.runs, Server):
            await self.runs.reset()
        await self.runs.resume()

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "name": self.name,
            "listen": self.runs.place,
            "upstream": self.runs.upstream,
            "enabled": self.runs.enabled,
            "toxics": [toxic.told() for toxic in self.toxics],
        }

    def _have(self, toxics: dict[str, Toxic]) -> None:
        self.runs.lay(list(toxics.values()))
        self._toxics = toxics


class Proxies:
    """All of one process."""

    def __init__(self, origin: Server) -> None:
        self._all = {ORIGIN: Proxy(ORIGIN, origin)}

    def told(self) -> dict[str, Any]:
        return {name: proxy.told() for name, proxy in self._all.items()}

    def named(self, name: str) -> Proxy:
        try:
            return self._all[name]
        except KeyError:
            raise ToxicError("proxy not found", 404) from None

    async def create(self, value: Mapping[str, Any]) -> Proxy:
        """A proxy out of JSON, which runs unless `enabled` is false."""
        name, listen, upstream = _texts(value)
        if name in self._all:
            raise ToxicError("proxy already exists", 409)
        proxy = Proxy(name, _made(parted(listen), upstream))
        if value.get("enabled", True):
            await _run(proxy)
        self._all[name] = proxy
        return proxy

    async def populate(self, values: Sequence[Mapping[str, Any]]) -> list[Proxy]:
        """Have all of these; those that are there and the same stay as they are."""
        for at, value in enumerate(values):
            _texts(value, f" at proxy {at + 1}")
        found = []
        for value in values:
            name, listen, upstream = _texts(value)
            old = self._all.get(name)
            if old and (old.runs.place, old.runs.upstream) == (listen, upstream):
                found.append(old)
                continue
            if old:
                await self.remove(name)
            found.append(await self.create(value))
        return found

    async def update(self, name: str, value: Mapping[str, Any]) -> Proxy:
        """Change where it listens, what is behind it, and whether it runs."""
        proxy = self.named(name)
        told = proxy.told()
        wanted = {key: value.get(key, told[key]) for key in ("listen", "upstream", "enabled")}
        _, listen, upstream = _texts({**wanted, "name": name})
        if (listen, upstream) != (told["listen"], told["upstream"]):
            _profile(upstream)
            place = parted(listen)
            await proxy.runs.stop()
            proxy.runs = _made(place, upstream)
            proxy.runs.lay(proxy.toxics)
        await (_run(proxy) if wanted["enabled"] else proxy.runs.pause())
        return proxy

    async def remove(self, name: str) -> None:
        proxy = self.named(name)
        del self._all[name]
        await proxy.runs.stop()

    async def reset(self) -> None:
        for proxy in self._all.values():
            await proxy.reset()

    async def stop(self) -> None:
        for name in list(self._all):
            await self.remove(name)


async def _run(proxy: Proxy) -> None:
    try:
        await proxy.runs.resume()
    except OSError as error:
        raise ToxicError(f"`{proxy.runs.place}`: {error.strerror or error}", 500) from None


def _texts(value: Mapping[str, Any], where: str = "") -> tuple[str, str, str]:
    name, upstream = value.get("name", ""), value.get("upstream", "")
    listen = value.get("listen") or "127.0.0.1:0"
    for field, text in (("name", name), ("upstream", upstream), ("listen", listen)):
        if not isinstance(text, str):
            raise ToxicError(f"bad request body: `{field}` is text")
        if not text:
            raise ToxicError(f"missing required field: {field}{where}")
    return name, listen, upstream


def _profile(upstream: str) -> str | None:
    """The profile of an origin; None is a relay's upstream. ToxicError if it is neither."""
    if not upstream.startswith(_LAB):
        parted(upstream)
        return None
    profile = upstream.removeprefix(_LAB) or "plain"
    if profile not in PROFILES:
        raise ToxicError(f"bad request body: `{profile}` is not one of {', '.join(PROFILES)}")
    return profile


def _made(listen: Place, upstream: str) -> Server | Relay:
    profile = _profile(upstream)
    if profile is None:
        return Relay(listen, parted(upstream))
    host, port = listen
    family = f"ipv{ip_address(host).version}"
    behaviour = Behaviour().changed({"profile": profile, "listen": family})
    try:
        return Server(behaviour, port=port, hosts={family: host})
    except OSError as error:
        raise ToxicError(f"port {port}: {error.strerror or error}", 500) from None
