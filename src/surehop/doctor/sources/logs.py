"""Logs -> facts: the native digest reads them; here it is given their bytes."""

import os
from collections.abc import Iterable, Sequence

from surehop._core import Digest, log_kind as native_kind
from surehop.doctor.attempts import LogFacts, read_facts
from surehop.doctor.sources.opening import Opened, unreadable

_SLICE = 64 << 20  # bytes at a time: between slices a signal is heard


def log_kind(head: bytes, formats: Iterable[str] = ()) -> str | None:
    """Tell what kind of log begins so. `formats` are those of access logs, as nginx has them."""
    return native_kind(head, _bytes(formats))


class LogReader:
    """Takes any number of logs."""

    def __init__(self) -> None:
        self._digest = Digest()

    def read(self, opened: Opened, formats: Sequence[str] = ()) -> None:
        """Read one to its end. Raises OptionError; what was read until then stays."""
        self._digest.begin(opened.name, opened.head, _bytes(formats))
        try:
            self._take(opened)
        finally:
            self._digest.end()

    def _take(self, opened: Opened) -> None:
        if opened.descriptor is None:
            for chunk in opened.chunks():
                self._digest.feed(chunk)
            return
        try:
            os.lseek(opened.descriptor, 0, os.SEEK_SET)
            while self._digest.turn(opened.descriptor, _SLICE):
                pass
        except OSError as error:
            raise unreadable(opened.name, error) from None

    def facts(self) -> LogFacts:
        return read_facts(self._digest.json())


def _bytes(formats: Iterable[str]) -> list[bytes]:
    return [each.encode("utf-8", "surrogateescape") for each in formats]
