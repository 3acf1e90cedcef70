"""What a client can be told, checked where it is said."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Final, Self, TypeAlias

from surehop.client.headers import Headers
from surehop.client.url import URL


class Unset(Enum):
    """Stands where an option was not given, since None means something."""

    UNSET = "unset"

    def __repr__(self) -> str:
        return "UNSET"


UNSET: Final = Unset.UNSET

Seconds: TypeAlias = float | None
TimeoutTypes: TypeAlias = (
    "Timeout | float | tuple[Seconds, Seconds] | tuple[Seconds, Seconds, Seconds, Seconds] | None"
)
_FEWEST, _MOST = 2, 4


def checked_seconds(name: str, value: object) -> float | None:
    """Seconds, or None for no limit. TypeError and ValueError name what was wrong."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise TypeError(f"`{name}` is seconds or None, not `{value!r}`")
    if not math.isfinite(value) or value < 0:
        raise ValueError(f"`{name}` can't be {value} seconds\nhint: None is no limit")
    return float(value)


def checked_number(name: str, value: object, *, least: int = 0) -> int:
    """A whole number of at least `least`. TypeError and ValueError name what was wrong."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"`{name}` is a whole number, not `{value!r}`")
    if value < least:
        raise ValueError(f"`{name}` is at least {least}, not {value}")
    return value


@dataclass(frozen=True, slots=True, init=False)
class Timeout:
    """Limits in seconds; None is none.

    `connect` is for a connection, `read` and `write` for each wait on it, `pool` for a free one,
    `total` for all tries and the waits between them. `Timeout(5, connect=2)` sets what is not
    named; without a first word all four of httpx's must be named.
    """

    connect: float | None
    read: float | None
    write: float | None
    pool: float | None
    total: float | None

    def __init__(
        self,
        timeout: "TimeoutTypes | Unset" = UNSET,
        *,
        connect: float | Unset | None = UNSET,
        read: float | Unset | None = UNSET,
        write: float | Unset | None = UNSET,
        pool: float | Unset | None = UNSET,
        total: float | Unset | None = UNSET,
    ) -> None:
        named = {"connect": connect, "read": read, "write": write, "pool": pool}
        missing = [name for name, value in named.items() if value is UNSET]
        given: dict[str, object]
        if isinstance(timeout, Timeout):
            given = {**timeout.as_dict(), "total": timeout.total}
        elif isinstance(timeout, tuple):
            if not _FEWEST <= len(timeout) <= _MOST:
                raise ValueError("a time-out as a tuple is `(connect, read, write, pool)`")
            given = dict(zip(named, (*timeout, None, None), strict=False))
        elif timeout is UNSET:
            if missing:
                raise ValueError(
                    f"`Timeout` lacks {', '.join(f'`{name}`' for name in missing)}\n"
                    "hint: name all of `connect`, `read`, `write` and `pool`, or give a default "
                    "first: `Timeout(5, connect=2)`"
                )
            given = {}
        else:
            given = dict.fromkeys(named, checked_seconds("timeout", timeout))
        given.update({name: value for name, value in named.items() if value is not UNSET})
        if total is not UNSET:
            given["total"] = total
        for name in (*named, "total"):
            object.__setattr__(self, name, checked_seconds(name, given.get(name)))

    @classmethod
    def of(cls, timeout: "TimeoutTypes") -> Self:
        return timeout if isinstance(timeout, cls) else cls(timeout)

    def as_dict(self) -> dict[str, float | None]:
        """The four that httpx has too."""
        return {
            "connect": self.connect,
            "read": self.read,
            "write": self.write,
            "pool": self.pool,
        }

    def __repr__(self) -> str:
        four = self.as_dict()
        same = len(set(four.values())) == 1
        said = [f"timeout={self.connect}"] if same else [f"{k}={v}" for k, v in four.items()]
        if self.total is not None:
            said.append(f"total={self.total}")
        return f"Timeout({', '.join(said)})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Of one client: connections at once, those kept idle, and how long, in seconds.

    `keepalive_expiry` is an upper bound: what a server says or shows of its own time-out is kept.
    """

    max_connections: int | None = 100
    max_keepalive_connections: int | None = 100
    keepalive_expiry: float | None = 60.0

    def __post_init__(self) -> None:
        if self.max_connections is not None:
            checked_number("max_connections", self.max_connections, least=1)
        if self.max_keepalive_connections is not None:
            checked_number("max_keepalive_connections", self.max_keepalive_connections)
        checked_seconds("keepalive_expiry", self.keepalive_expiry)


class Proxy:
    """An HTTP proxy: its URL, who we are to it, and headers for it alone."""

    __slots__ = ("auth", "headers", "url")

    def __init__(
        self,
        url: URL | str,
        *,
        auth: tuple[str, str] | None = None,
        headers: Mapping[str, str] | Sequence[tuple[str, str]] | Headers | None = None,
        ssl_context: None = None,
    ) -> None:
        if ssl_context is not None:
            raise TypeError(
                "an `ssl_context` can't be used: TLS is not Python's `ssl` here\n"
                "hint: say `verify=` and `cert=` to the client"
            )
        url = URL(url)
        if url.scheme not in ("http", "https"):
            raise ValueError(
                f"a proxy's URL begins with `http://` or `https://`, not with `{url.scheme}://`"
            )
        if not url.host:
            raise ValueError("a proxy's URL names a host")
        if url.username or url.password:
            auth = (url.username, url.password)
            url = url.copy_with(username=None, password=None)
        self.url = url
        self.auth = auth
        self.headers = Headers(headers)

    def __repr__(self) -> str:
        auth = f", auth=({self.auth[0]!r}, '********')" if self.auth else ""
        headers = f", headers={self.headers!r}" if self.headers else ""
        return f"Proxy({str(self.url)!r}{auth}{headers})"


BALANCES = ("round_robin", "least_conn", "least_time", "random", "random_two")


@dataclass(frozen=True, slots=True)
class Upstream:
    """Several servers under one name, balanced as the proxy does.

    `weights` goes with `urls`, one for each. After `max_fails` failures within `fail_timeout`
    seconds a server is out for as long. `backup` are used when all of `urls` are out.
    `max_conns` bounds the connections to one server (0: no bound); in `slow_start` seconds one
    that is back gets its full share.
    """

    urls: Sequence[str]
    balance: str = "round_robin"
    weights: Sequence[int] | None = None
    max_fails: int = 1
    fail_timeout: float = 10.0
    max_conns: int = 0
    slow_start: float = 0.0
    backup: Sequence[str] = ()

    def __post_init__(self) -> None:
        if isinstance(self.urls, str) or isinstance(self.backup, str):
            raise TypeError("an upstream's servers are a list: `Upstream(['http://a:3000'])`")
        object.__setattr__(self, "urls", tuple(map(str, self.urls)))
        object.__setattr__(self, "backup", tuple(map(str, self.backup)))
        if not self.urls:
            raise ValueError("an upstream needs a server")
        if self.balance not in BALANCES:
            raise ValueError(f"`balance` is one of {', '.join(BALANCES)}, not `{self.balance}`")
        if self.weights is not None:
            weights = tuple(checked_number("weights", weight, least=1) for weight in self.weights)
            object.__setattr__(self, "weights", weights)
            if len(weights) != len(self.urls):
                raise ValueError(f"{len(self.urls)} servers have {len(weights)} `weights`")
        for text in (*self.urls, *self.backup):
            _check_server(URL(text))
        checked_number("max_fails", self.max_fails)
        checked_number("max_conns", self.max_conns)
        for name in ("fail_timeout", "slow_start"):
            if checked_seconds(name, getattr(self, name)) is None:
                raise TypeError(f"`{name}` is seconds, not None")


def _check_server(url: URL) -> None:
    if url.scheme not in ("http", "https") or not url.host:
        raise ValueError(f"an upstream's server is `http://HOST:PORT`, not `{url.shown}`")
    if url.userinfo or url.raw_path not in (b"", b"/") or url.fragment:
        raise ValueError(
            f"an upstream's server has no path and no user: `{url.scheme}://{url.host}`\n"
            "hint: paths belong to the requests"
        )


DEFAULT_TIMEOUT: Final = Timeout(5.0)
DEFAULT_LIMITS: Final = Limits()
