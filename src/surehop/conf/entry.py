"""Who may enter, and how many: what `allow`, `auth_*`, `limit_*`, `real_ip_*` come to, as values.

Networks are a first and a last address. Rates and bursts are thousandths of a request, as nginx
counts them.
"""

from dataclasses import dataclass

from surehop.conf.templates import Template, Variable
from surehop.conf.where import Where

UNIX = "unix:"


@dataclass(frozen=True, slots=True)
class Network:
    """`first` and `last` are addresses of one family, or both `unix:`."""

    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Rule:
    deny: bool
    network: Network


@dataclass(frozen=True, slots=True)
class Basic:
    """`auth_basic`; a relative `file` begins where the configuration file is."""

    realm: Template
    file: Template


@dataclass(frozen=True, slots=True)
class Ask:
    """`auth_request`; `sets` are the variables of `auth_request_set` with their values."""

    uri: str
    sets: tuple[tuple[Variable, Template], ...]


@dataclass(frozen=True, slots=True)
class RequestZone:
    """`limit_req_zone`; `written` is its key as the file has it."""

    name: str
    size: int
    key: Template
    written: str
    rate: int


@dataclass(frozen=True, slots=True)
class ConnectionZone:
    """`limit_conn_zone`."""

    name: str
    size: int
    key: Template
    written: str


@dataclass(frozen=True, slots=True)
class RequestLimit:
    """`delay` is None for `nodelay`."""

    zone: str
    burst: int
    delay: int | None


@dataclass(frozen=True, slots=True)
class RequestLimits:
    limits: tuple[RequestLimit, ...]
    status: int
    level: str
    delay_level: str
    dry_run: bool


@dataclass(frozen=True, slots=True)
class ConnectionLimit:
    zone: str
    connections: int


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    limits: tuple[ConnectionLimit, ...]
    status: int
    level: str
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Trusted:
    """One `set_real_ip_from`: a network, or a name that the plan looks up."""

    network: Network | None
    name: str
    where: Where


@dataclass(frozen=True, slots=True)
class RealIp:
    """`header` is lower-cased."""

    trusted: tuple[Trusted, ...]
    header: str
    recursive: bool


@dataclass(frozen=True, slots=True)
class Entry:
    """What a location asks of who comes in."""

    rules: tuple[Rule, ...]
    satisfy_any: bool
    basic: Basic | None
    auth_delay_ms: int
    ask: Ask | None
    requests: RequestLimits | None
    connections: ConnectionLimits | None
    real_ip: RealIp | None
    log_subrequest: bool

    @property
    def asks_nothing(self) -> bool:
        asked = (self.rules, self.basic, self.ask, self.requests, self.connections, self.real_ip)
        return not any(asked) and not self.log_subrequest
