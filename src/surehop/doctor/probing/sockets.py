"""The sockets of this machine, as the kernel lists them to anybody (`sock_diag`)."""

import ipaddress
import socket
import struct
from collections.abc import Iterator
from dataclasses import dataclass

from surehop.doctor.facts import IPAddress

TIME_WAIT, LISTEN = 6, 10
_SOCK_DIAG = 4
_BY_FAMILY = 20
_ERROR, _DONE = 2, 3
_REQUEST_DUMP = 0x301
_HEADER = struct.Struct("=IHHII")
_REQUEST = struct.Struct("=BBBxI48x")
# Family, state; ports; addresses; then expires, and both queues.
_SOCKET = struct.Struct("=BBxx")
_PORTS = struct.Struct("!HH")
_QUEUES = struct.Struct("=III")
_LOCAL, _REMOTE, _BEHIND = 8, 24, 52
_FAMILIES = {4: socket.AF_INET, 6: socket.AF_INET6}
_READ = 1 << 16
_PATIENCE_S = 1.0


@dataclass(frozen=True, slots=True)
class Listed:
    """Of a listener, `waiting` connections of at most `room` were not accepted yet."""

    local: tuple[IPAddress, int]
    remote: tuple[IPAddress, int]
    waiting: int
    room: int


def listed(version: int, state: int) -> Iterator[Listed]:
    """List the TCP sockets of IPv4 or IPv6 that are in a state. Raises OSError."""
    if not hasattr(socket, "AF_NETLINK"):
        raise OSError("only Linux lists its sockets so")
    family = _FAMILIES[version]
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _SOCK_DIAG) as asked:
        asked.settimeout(_PATIENCE_S)
        request = _REQUEST.pack(family, socket.IPPROTO_TCP, 0, 1 << state)
        size = _HEADER.size + len(request)
        asked.send(_HEADER.pack(size, _BY_FAMILY, _REQUEST_DUMP, 1, 0) + request)
        while True:
            for kind, message in _messages(asked.recv(_READ)):
                if kind in {_DONE, _ERROR}:
                    return
                yield _read(message)


def _messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    while len(data) >= _HEADER.size:
        size, kind, *_ = _HEADER.unpack_from(data)
        yield kind, data[_HEADER.size : size]
        data = data[(size + 3) & ~3 :]


def _read(message: bytes) -> Listed:
    family, _ = _SOCKET.unpack_from(message)
    wide = 4 if family == socket.AF_INET else 16
    here, there = _PORTS.unpack_from(message, _SOCKET.size)
    _, waiting, room = _QUEUES.unpack_from(message, _BEHIND)
    return Listed(
        (ipaddress.ip_address(message[_LOCAL : _LOCAL + wide]), here),
        (ipaddress.ip_address(message[_REMOTE : _REMOTE + wide]), there),
        waiting,
        room,
    )
