"""Opens what the data process needs while it may: log files, sockets, the pid file."""

import errno
import os
import socket
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from surehop.errors import AddressInUseError, StartError

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


@contextmanager
def pid_file(path: str) -> Iterator[None]:
    """Holds the process's number in `path` as long as it runs. Raises StartError."""
    pid = Path(path)
    try:
        pid.write_text(f"{os.getpid()}\n", encoding="ascii")
    except OSError as e:
        hint = _folder_hint(path) if e.errno == errno.ENOENT else None
        raise StartError(f'open() "{path}" failed ({_text(e)})', hint=hint) from e
    try:
        yield
    finally:
        pid.unlink(missing_ok=True)


@contextmanager
def opened(addresses: Sequence[str], logs: Sequence[str]) -> Iterator[list[int]]:
    """Descriptors of listeners and log files, in this order, for a while. Raises StartError."""
    with ExitStack() as stack:
        descriptors = []
        for path in logs:
            descriptors.append(open_log(path))
            stack.callback(os.close, descriptors[-1])
        listeners = [stack.enter_context(open_listener(address)) for address in addresses]
        for address in addresses:
            if address.startswith("unix:"):
                stack.callback(Path(address.removeprefix("unix:")).unlink, missing_ok=True)
        yield [listener.fileno() for listener in listeners] + descriptors
