"""What the client's native side is told: plain data, every default filled in, in milliseconds.

None is "no limit" wherever a time or a number may be None. `to_json` is the contract: unknown
fields are refused on the other side.
"""

import json
from dataclasses import asdict, dataclass
from typing import Final


class _Told:
    """Crosses as JSON, once."""

    __slots__ = ()

    def to_json(self) -> bytes:
        return json.dumps(asdict(self), separators=(",", ":")).encode()  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class TransportPlan(_Told):
    """One client's pools, and which of the six points of resilience it keeps."""

    connections: int | None
    idle_connections: int | None
    idle_expiry: int | None
    attribution: bool = True
    replay_keyed: bool = True
    probe: bool = True
    last_peer: bool = True
    idle: bool = True
    sent: bool = True
    budget: bool = True
    version: int = 1


@dataclass(frozen=True, slots=True)
class TermsPlan(_Told):
    """How long a request may take, and when it goes again.

    `rounds` is 1 where nothing is retried. `again` are the failures that another round is for;
    with `ask` the caller is asked as well, with `ask_always` after every answer. `base` and `cap`
    are those of the full jitter, `retry_after` the longest `Retry-After` that is honoured.
    """

    connect: int | None
    read: int | None
    write: int | None
    pool: int | None
    total: int | None = None
    per_try: int | None = None
    rounds: int = 1
    again: tuple[str, ...] = ()
    ask: bool = False
    ask_always: bool = False
    base: int = 0
    cap: int = 0
    retry_after: int | None = None
    budget: bool = True


@dataclass(frozen=True, slots=True)
class PeerPlan:
    """One URL. `host` is to be resolved, unless there is a `unix` path; `authority` is its Host."""

    url: str
    host: str | None
    port: int
    tls: bool
    sni: str
    authority: str
    unix: str | None = None
    weight: int = 1
    max_fails: int = 1
    fail_timeout: int = 10_000
    max_conns: int = 0
    slow_start: int = 0
    down: bool = False
    backup: bool = False


@dataclass(frozen=True, slots=True)
class ProxyPlan:
    """A proxy before the peers. With `tunnel` it is asked to CONNECT, with these header lines."""

    host: str
    port: int
    tls: bool
    sni: str
    tunnel: bool
    headers: str


@dataclass(frozen=True, slots=True)
class TargetPlan(_Told):
    """Where requests go: an upstream with its peers, or one origin."""

    name: str
    balance: str
    peers: tuple[PeerPlan, ...]
    proxy: ProxyPlan | None = None
    local_address: str | None = None


_CENTURY: Final = 100 * 365 * 86_400.0  # seconds


def milliseconds(seconds: float | None) -> int | None:
    """Whole milliseconds, at least one: 0 would be no time at all; at most a century."""
    return None if seconds is None else max(1, round(min(seconds, _CENTURY) * 1000))
