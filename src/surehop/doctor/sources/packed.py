"""What is packed, as a stream of what was packed."""

import bz2
import gzip
import io
import lzma
from collections.abc import Callable
from typing import BinaryIO, cast

from surehop.doctor.sources.zstd import Zstd


def unpacked(form: str, head: bytes, rest: BinaryIO) -> BinaryIO:
    """Unpack as it is read; a read raises OSError or EOFError where the data is broken, or cut."""
    return _FORMS[form](io.BufferedReader(_Rejoined(head, rest)))


class _Rejoined(io.RawIOBase):
    """A stream of which the beginning was read already."""

    def __init__(self, head: bytes, rest: BinaryIO) -> None:
        self._head = head
        self._rest = rest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        given = self._head[: len(view)] or self._rest.read(len(view))
        self._head = self._head[len(given) :]
        view[: len(given)] = given
        return len(given)


class _Xz(lzma.LZMAFile):
    def read(self, size: int | None = -1) -> bytes:
        try:
            return super().read(size)
        except lzma.LZMAError as error:
            raise OSError(str(error)) from None

    def read1(self, size: int = -1) -> bytes:
        try:
            return super().read1(size)
        except lzma.LZMAError as error:
            raise OSError(str(error)) from None


_FORMS: dict[str, Callable[[io.BufferedReader], BinaryIO]] = {
    "gzip": lambda whole: cast("BinaryIO", gzip.GzipFile(fileobj=whole)),
    "bzip2": lambda whole: cast("BinaryIO", bz2.BZ2File(whole)),
    "xz": lambda whole: cast("BinaryIO", _Xz(whole)),
    "zstd": lambda whole: io.BufferedReader(Zstd(cast("BinaryIO", whole))),
}
