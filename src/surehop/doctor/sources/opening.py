"""Targets -> bytes: files, directories, standard input; compressed ones are unpacked on the way."""

import errno
import io
import os
import re
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple, cast

from surehop.errors import OptionError

STANDARD_INPUT = "-"
_BACKUPS = (".orig", ".bak", ".dpkg-dist", ".rpmnew", ".rpmsave", "~", ".swp")
_PAGES = (".md", ".rst", ".html")  # they quote configurations and logs
_ROTATED = re.compile(r"(?P<log>.+?)[.-]\d[\d.-]*(?:\.(?:gz|bz2|xz|zst))?")
_HEAD = 1 << 16
_CHUNK = 1 << 20
_DAMAGE = (OSError, EOFError)  # what a file that is no more, or cut, gives
_PACKED = {  # how what is packed begins
    b"\x1f\x8b": "gzip",
    b"BZh": "bzip2",
    b"\xfd7zXZ\x00": "xz",
    b"\x28\xb5\x2f\xfd": "zstd",
}


class Opened(NamedTuple):
    """`head` is its beginning, to know it by. `packed`: no edit can be made in it.

    `descriptor` is a plain file's, to be read from its beginning; None where there is none.
    `damage` is what the head ended with, where it is all that can be read.
    """

    name: str
    head: bytes
    rest: BinaryIO
    packed: bool
    descriptor: int | None = None
    damage: Exception | None = None

    def whole(self) -> bytes:
        """Raises OptionError."""
        try:
            if self.damage:
                raise self.damage
            return self.head + self.rest.read()
        except _DAMAGE as error:
            raise unreadable(self.name, error) from None

    def chunks(self) -> Iterator[bytes]:
        """Give its bytes as they come, unpacked, up to damage. Raises OptionError there."""
        chunk = self.head
        while chunk:
            yield chunk
            try:
                if self.damage:
                    raise self.damage
                chunk = _some(self.rest, _CHUNK) if self.packed else self.rest.read(_CHUNK)
            except _DAMAGE as error:
                raise unreadable(self.name, error) from None


@contextmanager
def open_target(name: str) -> Iterator[Opened]:
    """Open one file, for as long as it is read. Raises OptionError."""
    with ExitStack() as stack:
        try:
            opened = _open(name, stack)
        except _DAMAGE as error:
            raise unreadable(name, error) from None
        yield opened


def _open(name: str, stack: ExitStack) -> Opened:
    if name == STANDARD_INPUT:
        if not sys.stdin:
            raise OSError(errno.EBADF, "it is closed")
        file: BinaryIO = sys.stdin.buffer
    else:
        path = Path(name)
        file = stack.enter_context(path.open("rb"))
    head = file.read(_HEAD)
    unpacked = _unpacked(head, file)
    if unpacked is None:
        descriptor = file.fileno() if is_plain(name) else None
        return Opened(name, head, file, packed=False, descriptor=descriptor)
    stack.enter_context(unpacked)
    head, damage = _beginning(unpacked)
    return Opened(name, head, unpacked, packed=True, damage=damage)


def _beginning(unpacked: BinaryIO) -> tuple[bytes, Exception | None]:
    """Give its head, and the damage behind it. Raises OSError or EOFError where all is damaged."""
    head = b""
    try:
        while len(head) < _HEAD and (some := _some(unpacked, _HEAD - len(head))):
            head += some
    except _DAMAGE as error:
        if not head:
            raise
        return head, error
    return head, None


def _some(unpacked: BinaryIO, most: int) -> bytes:
    """Give what comes at once: `read` would lose what stands before damage."""
    return cast("io.BufferedReader", unpacked).read1(most)


def is_plain(name: str) -> bool:
    """Tell whether it can be read twice: a pipe can't."""
    return name != STANDARD_INPUT and os.path.isfile(name)  # noqa: PTH113 (never raises)


def is_rotated(name: str) -> bool:
    """Tell whether it is an older part of a log beside it: it grows no more."""
    found = _ROTATED.fullmatch(name)
    return found is not None and Path(found["log"]).exists()


def files_of(name: str, unread: Callable[[OptionError], None]) -> Iterator[str]:
    """Give the target itself, or the files of a directory: its nginx.conf first.

    Backups and pages are left out; `unread` is told of directories in it that can't be read. Raises
    OptionError where it is one itself.
    """
    if name in {STANDARD_INPUT, ""} or not os.path.isdir(name):  # noqa: PTH112 (never raises)
        yield name
        return

    def failed(error: OSError) -> None:
        told = unreadable(error.filename, error)
        if error.filename == name:
            raise told
        unread(told)

    files = [
        Path(folder, each)
        for folder, _, names in os.walk(name, onerror=failed)
        for each in names
        if is_plain(os.path.join(folder, each))  # noqa: PTH118 (as `os.walk` has it)
        and not each.endswith((*_BACKUPS, *_PAGES))
    ]
    files.sort(key=lambda each: (each.name != "nginx.conf", len(each.parts), str(each)))
    yield from map(str, files)


def _unpacked(head: bytes, file: BinaryIO) -> BinaryIO | None:
    form = next((form for magic, form in _PACKED.items() if head.startswith(magic)), None)
    if form is None:
        return None
    from surehop.doctor.sources.packed import unpacked  # noqa: PLC0415 (few targets are)

    return unpacked(form, head, file)


def unreadable(name: str, error: Exception) -> OptionError:
    """Say that a file can't be read, and why."""
    why = (getattr(error, "strerror", None) or str(error) or "error").lower()
    return OptionError(f"`{name}` can't be read: {why}")
