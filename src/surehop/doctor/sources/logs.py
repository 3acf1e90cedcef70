"""Logs -> facts: the native digest reads them; here it is given their bytes."""

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from surehop._core import Digest, log_kind as native_kind
from surehop.doctor.sources.kinds import APPLICATION, is_configuration
from surehop.doctor.sources.opening import Opened, unreadable
from surehop.errors import OptionError

_SLICE = 16 << 20  # bytes at a time: between slices a signal is heard
_HEAD = 1 << 16  # bytes by which a log is known

# Is told the log, how many of its bytes were read, and how many it has; None where nobody knows.
Progress = Callable[[str, int, int | None], None]
# Is given failed tries as JSON, a line each.
Rows = Callable[[bytes], None]


def log_kind(head: bytes, formats: Iterable[str] = ()) -> str | None:
    """Tell what kind of log begins so. `formats` are those of access logs, as nginx has them."""
    kind = native_kind(head, _bytes(formats))
    # An application may write anything, so that a configuration may hold a line like one of its.
    return None if kind == APPLICATION and is_configuration(head) else kind


class Followed:
    """A log that grows, and is read on and on. Raises OptionError where it can't be read.

    It is known again by device and inode: when its name stands for another file, that one is begun
    with, and so is one that was cut short. Cut short and grown beyond what was read before anybody
    looks is not noticed. A log that is gone is waited for.
    """

    def __init__(self, name: str, formats: Iterable[str] = ()) -> None:
        self._name = name
        self._formats = _bytes(formats)
        self._digest = Digest()
        self._begun = False
        self._file = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
        self.read_on()

    def read_on(self) -> bool:
        """Read what is new; whether there was anything."""
        try:
            grown = self._drain()
            while self._moved():
                self._begin_anew()
                grown = self._drain() or grown
        except FileNotFoundError:
            return grown  # its successor is on the way
        except OSError as error:
            raise unreadable(self._name, error) from None
        return grown

    def json(self) -> bytes:
        """Give what was told by now, as a digest has it."""
        return self._digest.json()

    def close(self) -> None:
        os.close(self._file)

    def _begin_anew(self) -> None:
        file = os.open(self._name, os.O_RDONLY | os.O_CLOEXEC)
        os.close(self._file)
        self._file = file
        if self._begun:
            self._digest.end()
            self._begun = False

    def _begin(self) -> None:
        """Begin as soon as it can be seen what it is: it may be empty."""
        head = os.pread(self._file, _HEAD, 0)
        if native_kind(head, self._formats):
            self._digest.begin(self._name, head, self._formats)
            self._begun = True

    def _drain(self) -> bool:
        before = self._position()
        if not self._begun:
            self._begin()
        while self._begun and self._digest.turn(self._file, _SLICE):
            pass
        return self._position() > before

    def _moved(self) -> bool:
        """Whether the name stands for another file now, or this one was cut short."""
        named, here = Path(self._name).stat(), os.fstat(self._file)
        return not os.path.samestat(named, here) or here.st_size < self._position()

    def _position(self) -> int:
        return os.lseek(self._file, 0, os.SEEK_CUR)


class LogReader:
    """Takes any number of logs, and what others made of logs."""

    def __init__(self, progress: Progress | None = None, rows: Rows | None = None) -> None:
        self._digest = Digest(rows is not None)
        self._progress = progress
        self._rows = rows

    def read(self, opened: Opened, formats: Sequence[str] = ()) -> None:
        """Read one to its end. Raises OptionError; what was read until then stays."""
        self._digest.begin(opened.name, opened.head, _bytes(formats))
        try:
            if opened.descriptor is None:
                self._stream(opened)
            else:
                self._plain(opened, opened.descriptor)
        finally:
            self._digest.end()
            self._told(opened.name, 0, 0)

    def merge(self, opened: Opened) -> None:
        """Take a digest in. Raises OptionError."""
        try:
            self._digest.merge(opened.whole())
        except ValueError as error:
            raise OptionError(f"`{opened.name}` is no digest that can be read: {error}") from None

    def digest(self, others: Sequence[Followed] = ()) -> bytes:
        """Give what was told, and what others have told by now, for `merge` or `read_facts`."""
        if not others:
            return self._digest.json()
        together = Digest()
        for each in (self._digest.json(), *(other.json() for other in others)):
            together.merge(each)
        return together.json()

    def _stream(self, opened: Opened) -> None:
        done = 0
        for chunk in opened.chunks():
            self._digest.feed(chunk)
            done += len(chunk)
            self._told(opened.name, done, None)

    def _plain(self, opened: Opened, descriptor: int) -> None:
        try:
            os.lseek(descriptor, 0, os.SEEK_SET)
            size = os.fstat(descriptor).st_size
            while self._digest.turn(descriptor, _SLICE):
                self._told(opened.name, os.lseek(descriptor, 0, os.SEEK_CUR), size)
        except OSError as error:
            raise unreadable(opened.name, error) from None

    def _told(self, name: str, done: int, size: int | None) -> None:
        if self._rows is not None and (rows := self._digest.rows()):
            self._rows(rows)
        if self._progress is not None and done:
            self._progress(name, done, size)


def _bytes(formats: Iterable[str]) -> list[bytes]:
    return [each.encode("utf-8", "surrogateescape") for each in formats]
