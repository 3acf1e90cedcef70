"""Opens what the data process needs while it may: log files, sockets, the pid file."""

import errno
import os
import socket
import stat
from collections.abc import Sequence
from typing import BinaryIO

from surehop.errors import AddressInUseError, StartError
from surehop.plan import LogFile, Syslog

_BACKLOG = 511  # nginx's


def open_log(path: str) -> int:
    """A descriptor that appends to `path`; `stderr` is the process's own. Raises StartError."""
    if path == "stderr":
        return os.dup(2)
    try:
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as e:
        hint = _folder_hint(path) if e.errno == errno.ENOENT else None
        raise StartError(f'open() "{path}" failed ({_text(e)})', hint=hint) from e


def _datagrams(syslog: Syslog) -> int:
    family = socket.AF_INET
    if syslog.address.startswith("unix:"):
        family = socket.AF_UNIX
    elif syslog.address.startswith("["):
        family = socket.AF_INET6
    return socket.socket(family, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK).detach()


def _folder_hint(path: str) -> str:
    folder = os.path.dirname(path)  # noqa: PTH120 (a str that may hold surrogates stays one)
    return f"make the folder: `mkdir -p {folder}`"


def _text(e: OSError) -> str:
    return f"{e.errno}: {e.strerror}"


def open_listener(address: str) -> socket.socket:
    """A listening socket for `127.0.0.1:80`, `[::1]:80` or `unix:/path`. Raises StartError."""
    if address.startswith("unix:"):
        return _open_unix(address)
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_STREAM)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if family == socket.AF_INET6:
        # As nginx: an IPv6 listener is for IPv6 alone.
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
    return _listen(sock, (host, int(port)), address)


def _open_unix(address: str) -> socket.socket:
    path = address.removeprefix("unix:")
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    _clear_stale(path)
    listening = _listen(sock, path, address)
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


def _listen(sock: socket.socket, where: tuple[str, int] | str, address: str) -> socket.socket:
    try:
        sock.bind(where)
        sock.listen(_BACKLOG)
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


def write_pid(path: str, pid: int) -> None:
    """Says in `path` who runs. Raises StartError."""
    with _pid_file(path, os.O_TRUNC) as file:
        file.write(f"{pid}\n".encode())


def check_pid(path: str) -> None:
    """Whether the pid file could be written; as nginx, it is made. Raises StartError."""
    _pid_file(path, 0).close()


def _pid_file(path: str, flags: int) -> BinaryIO:
    try:
        return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | flags, 0o644), "wb")
    except OSError as e:
        hint = _folder_hint(path) if e.errno == errno.ENOENT else None
        raise StartError(f'open() "{path}" failed ({_text(e)})', hint=hint) from e


def open_logs(files: Sequence[LogFile]) -> list[int]:
    """Descriptors of the log files, in order: all of them or none. Raises StartError.

    That of a syslog is a socket that is connected when something is to be said.
    """
    descriptors: list[int] = []
    try:
        descriptors.extend(
            _datagrams(file.syslog) if file.syslog else open_log(file.path) for file in files
        )
    except StartError:
        for descriptor in descriptors:
            os.close(descriptor)
        raise
    return descriptors


def make_folders(paths: Sequence[str], owner: int | None) -> None:
    """Sees to it that the folders are there and belong to `owner`. Raises StartError."""
    for path in paths:
        call = "mkdir"
        try:
            if not os.path.exists(path):  # noqa: PTH110
                os.mkdir(path, 0o700)  # noqa: PTH102
            call = "chown"
            if owner is not None and os.stat(path).st_uid != owner:  # noqa: PTH116
                os.chown(path, owner, -1)
        except OSError as e:
            hint = _folder_hint(path) if e.errno == errno.ENOENT else None
            raise StartError(f'{call}() "{path}" failed ({_text(e)})', hint=hint) from e
