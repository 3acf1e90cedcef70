"""Opens what the data process needs while it may: log files, sockets, the pid file."""

import errno
import os
import socket
from collections.abc import Sequence
from typing import BinaryIO

from surehop.errors import StartError
from surehop.plan.recording import LogFile, Syslog


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
