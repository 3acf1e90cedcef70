"""Listening sockets as `listen` says."""

import socket
from pathlib import Path

import pytest

from surehop.conf.model import ListenOptions
from surehop.errors import AddressInUseError
from surehop.proxy.listeners import open_listener


def asked(options: ListenOptions, level: int, name: int, address: str = "127.0.0.1:0") -> int:
    with open_listener(address, options) as sock:
        return sock.getsockopt(level, name)


@pytest.mark.parametrize(
    ("options", "level", "name", "value"),
    [
        (ListenOptions(reuseport=True), socket.SOL_SOCKET, socket.SO_REUSEPORT, 1),
        (ListenOptions(), socket.SOL_SOCKET, socket.SO_REUSEPORT, 0),
        # The kernel doubles what it is told.
        (ListenOptions(rcvbuf=20_000), socket.SOL_SOCKET, socket.SO_RCVBUF, 40_000),
        (ListenOptions(sndbuf=20_000), socket.SOL_SOCKET, socket.SO_SNDBUF, 40_000),
        (ListenOptions(keepalive=True), socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (ListenOptions(keepalive=False), socket.SOL_SOCKET, socket.SO_KEEPALIVE, 0),
        (ListenOptions(keepalive=(99, 0, 7)), socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 99),
        (ListenOptions(keepalive=(99, 0, 7)), socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 7),
        (ListenOptions(fastopen=5), socket.IPPROTO_TCP, socket.TCP_FASTOPEN, 5),
        (ListenOptions(deferred=True), socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1),
    ],
)
def test_what_is_said_of_a_socket(
    options: ListenOptions, level: int, name: int, value: int
) -> None:
    assert asked(options, level, name) == value


def test_one_for_both_families() -> None:
    only = (socket.IPPROTO_IPV6, socket.IPV6_V6ONLY)
    assert asked(ListenOptions(), *only, "[::]:0") == 1
    assert asked(ListenOptions(ipv6only=False), *only, "[::]:0") == 0


def test_two_share_a_port_only_if_both_say_so(tmp_path: Path) -> None:
    shared = ListenOptions(reuseport=True)
    with open_listener("127.0.0.1:0", shared) as sock:
        address = f"127.0.0.1:{sock.getsockname()[1]}"
        open_listener(address, shared).close()
        with pytest.raises(AddressInUseError):
            open_listener(address, ListenOptions())
    path = f"unix:{tmp_path / 's'}"
    open_listener(path, ListenOptions(rcvbuf=20_000, deferred=True, backlog=3)).close()
