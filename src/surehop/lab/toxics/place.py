"""Addresses as `HOST:PORT`, as toxiproxy writes them."""

import socket
from ipaddress import ip_address

from surehop.lab.toxics.toxic import ToxicError

Place = tuple[str, int]
_LARGEST = 65535


def parted(text: str, *, otherwise: str = "127.0.0.1") -> Place:
    """`127.0.0.1:80`, `[::1]:80`, `localhost:80` or `:80`; names are looked up."""
    host, colon, number = text.rpartition(":")
    if not colon or not number.isascii() or not number.isdecimal() or int(number) > _LARGEST:
        raise ToxicError(f"bad request body: `{text}` is not HOST:PORT")
    host = host.strip("[]") or otherwise
    try:
        return str(ip_address(host)), int(number)
    except ValueError:
        pass
    try:
        found = socket.getaddrinfo(host, int(number), type=socket.SOCK_STREAM)
    except OSError as error:
        raise ToxicError(f"`{host}` is not known: {error}", 500) from None
    return str(found[0][4][0]), int(number)


def joined(place: Place) -> str:
    host, port = place
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
