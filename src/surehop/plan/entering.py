"""Who may enter, as the plan has it."""

from dataclasses import dataclass
from pathlib import PurePosixPath

from surehop.conf import entry
from surehop.conf.templates import Template
from surehop.errors import ConfigError
from surehop.plan.resolving import Resolver


@dataclass(frozen=True, slots=True)
class Basic:
    """`folder` is where a relative `file` begins."""

    realm: Template
    file: Template
    folder: str


@dataclass(frozen=True, slots=True)
class RealIp:
    networks: tuple[entry.Network, ...]
    header: str
    recursive: bool


@dataclass(frozen=True, slots=True)
class Entry:
    rules: tuple[entry.Rule, ...]
    satisfy_any: bool
    basic: Basic | None
    auth_delay_ms: int
    ask: entry.Ask | None
    requests: entry.RequestLimits | None
    connections: entry.ConnectionLimits | None
    real_ip: RealIp | None
    log_subrequest: bool


@dataclass(frozen=True, slots=True)
class Zone:
    """`rate` is in thousandths of a request a second; None counts connections."""

    name: str
    size: int
    key: Template
    written: str
    rate: int | None


class Entries:
    """Makes plans of entries. `errors` are names not found."""

    def __init__(self, file: str, resolve: Resolver) -> None:
        self._folder = str(PurePosixPath(file).parent)
        self._resolve = resolve
        self._said: set[entry.Trusted] = set()
        self.errors: list[ConfigError] = []

    def of(self, said: entry.Entry | None) -> Entry | None:
        if said is None:
            return None
        basic = said.basic
        return Entry(
            rules=said.rules,
            satisfy_any=said.satisfy_any,
            basic=Basic(basic.realm, basic.file, self._folder) if basic else None,
            auth_delay_ms=said.auth_delay_ms,
            ask=said.ask,
            requests=said.requests,
            connections=said.connections,
            real_ip=self._real_ip(said.real_ip) if said.real_ip else None,
            log_subrequest=said.log_subrequest,
        )

    def _real_ip(self, said: entry.RealIp) -> RealIp:
        networks = tuple(network for each in said.trusted for network in self._networks(each))
        return RealIp(networks, said.header, said.recursive)

    def _networks(self, trusted: entry.Trusted) -> tuple[entry.Network, ...]:
        if trusted.network:
            return (trusted.network,)
        found = () if ":" in trusted.name or "/" in trusted.name else self._resolve(trusted.name)
        if not found and trusted not in self._said:
            self._said.add(trusted)
            message = f'host not found in set_real_ip_from "{trusted.name}"'
            self.errors.append(trusted.where.fail(message))
        return tuple(entry.Network(str(ip), str(ip)) for ip in found)


def zone(said: entry.RequestZone | entry.ConnectionZone) -> Zone:
    rate = said.rate if isinstance(said, entry.RequestZone) else None
    return Zone(said.name, said.size, said.key, said.written, rate)
