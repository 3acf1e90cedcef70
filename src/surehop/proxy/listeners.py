"""Listening sockets, opened as `listen` says."""

import contextlib
import errno
import os
import socket
import stat

from surehop.conf.model import ListenOptions
from surehop.errors import AddressInUseError, StartError

_BACKLOG = 511  # nginx's
# Bytes of an answer that the kernel takes before it can send them. It would take up to `tcp_wmem`
# (4 MiB) for each client that does not read: those that read slowly would use up `tcp_mem`.
_UNSENT = 128 << 10
_MPTCP = 262  # IPPROTO_MPTCP


def open_listener(address: str, options: ListenOptions) -> socket.socket:
    """A listening socket for `127.0.0.1:80`, `[::1]:80` or `unix:/path`. Raises StartError."""
    if address.startswith("unix:"):
        return _open_unix(address, options)
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        protocol = _MPTCP if options.multipath else 0
        sock = socket.socket(family, socket.SOCK_STREAM, protocol)
    except OSError as e:
        raise StartError(f"socket() {address} failed ({_text(e)})") from e
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if options.reuseport:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    if family == socket.AF_INET6:
        # As nginx: an IPv6 listener is for IPv6 alone, unless it says otherwise.
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, int(options.ipv6only))
    _set(sock, options, tcp=True)
    return _listen(sock, (host, int(port)), address, options)


def _set(sock: socket.socket, options: ListenOptions, *, tcp: bool) -> None:
    """What accepted connections take over; the system may refuse any of it, as with nginx."""
    wanted: list[tuple[int, int, int]] = []
    if options.rcvbuf is not None:
        wanted.append((socket.SOL_SOCKET, socket.SO_RCVBUF, options.rcvbuf))
    if options.sndbuf is not None:
        wanted.append((socket.SOL_SOCKET, socket.SO_SNDBUF, options.sndbuf))
    if options.keepalive is not None:
        wanted.append((socket.SOL_SOCKET, socket.SO_KEEPALIVE, int(options.keepalive is not False)))
    if tcp:
        wanted.append((socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, _UNSENT))
        numbers = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        given = options.keepalive if isinstance(options.keepalive, tuple) else ()
        wanted += [(socket.IPPROTO_TCP, n, v) for n, v in zip(numbers, given, strict=False) if v]
        if options.fastopen is not None:
            wanted.append((socket.IPPROTO_TCP, socket.TCP_FASTOPEN, options.fastopen))
        if options.deferred:
            wanted.append((socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 1))
    for level, name, value in wanted:
        with contextlib.suppress(OSError):
            sock.setsockopt(level, name, value)


def _text(e: OSError) -> str:
    return f"{e.errno}: {e.strerror}"


def _open_unix(address: str, options: ListenOptions) -> socket.socket:
    path = address.removeprefix("unix:")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    _clear_stale(path)
    _set(sock, options, tcp=False)
    listening = _listen(sock, path, address, options)
    # As nginx: whoever may enter the folder may connect.
    os.chmod(path, 0o666)  # noqa: S103, PTH101
    return listening


def _clear_stale(path: str) -> None:
    """Removes a socket file that nobody listens on any more: a crash leaves it behind."""
    try:
        if not stat.S_ISSOCK(os.stat(path).st_mode):  # noqa: PTH116
            return
    except OSError:
        return
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as test:
        try:
            test.connect(path)
        except ConnectionRefusedError:
            os.unlink(path)  # noqa: PTH108
        except OSError:
            return


def _listen(
    sock: socket.socket, where: tuple[str, int] | str, address: str, options: ListenOptions
) -> socket.socket:
    try:
        sock.bind(where)
        sock.listen(options.backlog or _BACKLOG)
    except OSError as e:
        sock.close()
        message = f"bind() to {address} failed ({_text(e)})"
        if e.errno == errno.EADDRINUSE:
            hint = f"something else listens there; `ss -ltnp` says what ({address})"
            raise AddressInUseError(message, hint=hint) from e
        advice = "ports below 1024 are for root" if e.errno == errno.EACCES else None
        raise StartError(message, hint=advice) from e
    sock.setblocking(False)
    return sock
