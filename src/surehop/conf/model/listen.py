"""Where is listened, and how long a connection is kept."""

from dataclasses import dataclass

from surehop.conf.address import Address
from surehop.conf.where import Where


@dataclass(frozen=True, slots=True)
class KeepaliveTimeout:
    timeout_ms: int
    header_s: int | None


@dataclass(frozen=True, slots=True)
class ListenOptions:
    """What is said of a listening socket. Any of it makes the address a socket of its own.

    `keepalive`: on, off, or idle time and interval in seconds and a count, 0 is the system's.
    """

    bind: bool = False
    backlog: int | None = None
    rcvbuf: int | None = None
    sndbuf: int | None = None
    fastopen: int | None = None
    deferred: bool = False
    ipv6only: bool = True
    reuseport: bool = False
    multipath: bool = False
    keepalive: tuple[int, int, int] | bool | None = None


@dataclass(frozen=True, slots=True)
class Listen:
    address: Address
    default: bool
    where: Where
    options: ListenOptions | None = None
