"""A loopback port that nobody else can take, listened on or not."""

import errno
import socket
from collections.abc import Mapping
from types import TracebackType
from typing import Self

HOSTS = {"ipv4": "127.0.0.1", "ipv6": "::1"}
_FAMILIES = {"ipv4": socket.AF_INET, "ipv6": socket.AF_INET6}
_TRIES = 64


class Port:
    """One port number held by sockets that are bound and do not listen.

    hosts: an address for each family, 127.0.0.1 and ::1 unless told.

    A connect to a held address is refused for sure. Whoever sets SO_REUSEADDR (nginx, Surehop
    and `listener` do) can still bind and listen on it, as often as it likes.
    """

    def __init__(self, number: int = 0, hosts: Mapping[str, str] = HOSTS) -> None:
        self.families = tuple(family for family in _FAMILIES if family in hosts)
        self._hosts = hosts
        self._held: list[socket.socket] = []
        for _ in range(_TRIES):
            try:
                self.number = self._hold(number)
            except OSError as error:
                self.close()
                if number or error.errno != errno.EADDRINUSE:
                    raise
            else:
                return
        raise OSError(errno.EADDRINUSE, f"no port is free on {' and '.join(hosts.values())}")

    def _hold(self, number: int) -> int:
        for family in self.families:
            if family == "ipv6" and not has_ipv6():
                continue
            held = _bound(self._hosts[family], family, number)
            self._held.append(held)
            number = int(held.getsockname()[1])
        return number

    def listener(self, family: str, backlog: int = 512) -> socket.socket:
        """A listening socket of `ipv4` or `ipv6` on this port."""
        sock = _bound(self._hosts[family], family, self.number)
        try:
            sock.listen(backlog)
        except OSError:
            sock.close()
            raise
        return sock

    def address(self, family: str) -> str:
        """`127.0.0.1:PORT` or `[::1]:PORT`."""
        host = self._hosts[family]
        return f"{host}:{self.number}" if family == "ipv4" else f"[{host}]:{self.number}"

    def close(self) -> None:
        while self._held:
            self._held.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def has_ipv6() -> bool:
    """Whether ::1 can be bound here."""
    try:
        _bound(HOSTS["ipv6"], "ipv6", 0).close()
    except OSError:
        return False
    return True


def _bound(host: str, family: str, number: int) -> socket.socket:
    sock = socket.socket(_FAMILIES[family], socket.SOCK_STREAM)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == "ipv6":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.bind((host, number))
    except OSError:
        sock.close()
        raise
    return sock
