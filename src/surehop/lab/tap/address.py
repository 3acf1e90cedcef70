"""Where a tap listens and where it connects to, as people write it."""

import socket
from dataclasses import dataclass

from surehop.errors import OptionError

LOOPBACK = "127.0.0.1"
EVERYWHERE = "*"
_LARGEST = 65535
_WAYS = "`:8000`, `localhost:3000`, `[::1]:3000`, `unix:/run/app.sock`"


@dataclass(frozen=True, slots=True)
class Place:
    """A host with a port, or the path of a unix socket. `*` is every address."""

    host: str = LOOPBACK
    port: int = 0
    path: str | None = None

    @classmethod
    def parse(cls, text: str, *, connect: bool = False) -> "Place":
        """Raises OptionError. `connect`: port 0 means nothing then."""
        if text.startswith("unix:"):
            if not text[5:]:
                raise OptionError("`unix:` without a path", hint=f"write it as one of {_WAYS}")
            return cls(path=text[5:])
        host, colon, port = text.rpartition(":")
        if not colon:
            host, port = ("", text) if text.isdigit() else (text, "")
        if not port.isascii() or not port.isdigit() or not connect <= int(port) <= _LARGEST:
            raise OptionError(f"`{text}` names no port", hint=f"write it as one of {_WAYS}")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise OptionError(
                f"`{text}`: an IPv6 address stands in brackets", hint=f"`[{host}]:{port}`"
            )
        if host == EVERYWHERE and connect:
            raise OptionError(f"`{text}` is no address to connect to", hint=f"write one of {_WAYS}")
        return cls(host or LOOPBACK, int(port))

    def __str__(self) -> str:
        return f"unix:{self.path}" if self.path else shown(self.host, self.port)


@dataclass(frozen=True, slots=True)
class Address:
    """What the system connects to. `name` is `127.0.0.1:80`, `[::1]:80` or `unix:PATH`."""

    family: int
    sockaddr: tuple[object, ...] | str

    @property
    def name(self) -> str:
        return named(self.sockaddr)

    @property
    def host(self) -> str | None:
        return None if isinstance(self.sockaddr, str) else str(self.sockaddr[0])


def addresses_of(place: Place) -> list[Address]:
    """All of them, in the system's order. Raises socket.gaierror (OSError)."""
    if place.path:
        return [Address(socket.AF_UNIX, place.path)]
    host = None if place.host == EVERYWHERE else place.host
    flags = socket.AI_PASSIVE if host is None else 0
    found = socket.getaddrinfo(
        host, place.port, type=socket.SOCK_STREAM, proto=socket.IPPROTO_TCP, flags=flags
    )
    return list(dict.fromkeys(Address(family, sockaddr) for family, _, _, _, sockaddr in found))


def is_literal(place: Place) -> bool:
    """Whether nobody has to be asked for its address."""
    if place.path:
        return True
    for family in (socket.AF_INET, socket.AF_INET6):
        try:
            socket.inet_pton(family, place.host)
        except OSError:
            continue
        return True
    return False


def named(sockaddr: object) -> str:
    if isinstance(sockaddr, tuple):
        return shown(str(sockaddr[0]), int(sockaddr[1]))
    path = sockaddr.decode("utf-8", "surrogateescape") if isinstance(sockaddr, bytes) else sockaddr
    return f"unix:{path}"


def shown(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
