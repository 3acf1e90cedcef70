"""Addresses as they are written in `listen`, `server` and `proxy_pass`, after nginx's rules."""

import ipaddress
from typing import NamedTuple

from surehop.conf.units import number

_PORTS = range(1, 65536)
_LONGEST_UNIX = 107  # bytes of sun_path, less the closing NUL
_UNIX = "unix:"


class AddressError(ValueError):
    """nginx's words for what is wrong with an address: `invalid port`, `no host` …"""


class Address(NamedTuple):
    """`host` is a name, an IPv4 address, an IPv6 address in brackets, `*`, or "" with `unix`.

    `port_text` is "" where none is written; `uri` is what follows the address, perhaps "".
    """

    text: str
    host: str
    port: int
    port_text: str = ""
    uri: str = ""
    unix: str = ""

    @property
    def literal(self) -> str | None:
        """Give the socket address if no name has to be looked up."""
        if self.unix:
            return _UNIX + self.unix
        if self.host == "*":
            return f"0.0.0.0:{self.port}"
        ip = numeric(self.host)
        return None if ip is None else socket_text(ip, self.port)


def numeric(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an address that is no name."""
    try:
        if host.startswith("["):
            return ipaddress.IPv6Address(host[1:-1])
        return ipaddress.IPv4Address(host)
    except ValueError:
        return None


def socket_text(ip: ipaddress.IPv4Address | ipaddress.IPv6Address, port: int) -> str:
    return f"[{ip}]:{port}" if ip.version == 6 else f"{ip}:{port}"  # noqa: PLR2004 (IPv6)


def parse(text: str, *, default_port: int, listen: bool = False, uri: bool = False) -> Address:
    """Read `host[:port][/uri]`; `listen` allows a port alone and `*`. Raises AddressError."""
    if text.lower().startswith(_UNIX):
        return _unix(text, uri=uri)
    if text.startswith("["):
        return _ipv6(text, default_port, uri=uri and not listen)
    return _named(text, default_port, listen=listen, uri=uri and not listen)


def _unix(text: str, *, uri: bool) -> Address:
    path = text[len(_UNIX) :]
    rest = ""
    if uri and ":" in path:
        path, _, rest = path.partition(":")
    if not path:
        raise AddressError("no path in the unix domain socket")
    if len(path.encode("utf-8", "surrogateescape")) > _LONGEST_UNIX:
        raise AddressError("too long path in the unix domain socket")
    return Address(text, "", 0, uri=rest, unix=path)


def _ipv6(text: str, default_port: int, *, uri: bool) -> Address:
    end = text.find("]")
    if end < 0:
        raise AddressError("invalid host")
    host, rest = text[: end + 1], text[end + 1 :]
    rest, tail = _split_uri(rest, uri=uri)
    if rest and not rest.startswith(":"):
        raise AddressError("invalid host")
    port = _port(rest[1:]) if rest else default_port
    if host == "[]":
        raise AddressError("no host")
    if numeric(host) is None:
        raise AddressError("invalid IPv6 address")
    return Address(text, host, port, rest[1:], tail)


def _split_uri(text: str, *, uri: bool) -> tuple[str, str]:
    starts = [at for at in (text.find("/"), text.find("?")) if at >= 0]
    if not starts:
        return text, ""
    if not uri:
        raise AddressError("invalid host")
    return text[: min(starts)], text[min(starts) :]


def _port(text: str) -> int:
    value = number(text)
    if value not in _PORTS:
        raise AddressError("invalid port")
    return value or 0


def _named(text: str, default_port: int, *, listen: bool, uri: bool) -> Address:
    place, tail = _split_uri(text, uri=uri)
    host, colon, port_text = place.partition(":")
    if colon:
        port = _port(port_text)
    elif listen and number(place) is not None:
        return Address(text, "*", _port(place), place)
    else:
        port = default_port
    if not host:
        raise AddressError("no host")
    if host == "*" and not listen:
        raise AddressError("host not found")
    return Address(text, host, port, port_text, tail)
