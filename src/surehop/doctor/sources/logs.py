"""Logs -> facts: the native digest reads them; here it is given their bytes."""

import os
from collections.abc import Callable, Iterable, Sequence

from surehop._core import Digest, log_kind as native_kind
from surehop.doctor.attempts import LogFacts, read_facts
from surehop.doctor.sources.opening import Opened, unreadable
from surehop.errors import OptionError

_SLICE = 16 << 20  # bytes at a time: between slices a signal is heard

# Is told the log, how many of its bytes were read, and how many it has; None where nobody knows.
Progress = Callable[[str, int, int | None], None]
# Is given failed tries as JSON, a line each.
Rows = Callable[[bytes], None]


def log_kind(head: bytes, formats: Iterable[str] = ()) -> str | None:
    """Tell what kind of log begins so. `formats` are those of access logs, as nginx has them."""
    return native_kind(head, _bytes(formats))


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

    def digest(self) -> bytes:
        """Give everything, for `merge`."""
        return self._digest.json()

    def facts(self) -> LogFacts:
        return read_facts(self._digest.json())

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
