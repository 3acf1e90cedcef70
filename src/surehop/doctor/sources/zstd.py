"""What is packed with zstd, as a stream."""

import io
from typing import BinaryIO, cast

from surehop._core import Decoder

_CHUNK = 1 << 16


class Zstd(io.RawIOBase):
    """Unpacks in bounded memory. Raises OSError where the data is broken, or cut short."""

    def __init__(self, packed: BinaryIO) -> None:
        self._packed = packed
        self._decoder = Decoder("zstd")
        self._ended = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: object) -> int:
        view = memoryview(cast("bytearray", buffer))
        try:
            given = self._next(len(view))
        except ValueError as error:
            wide = "it wants a large window: `zstdcat --long=31 FILE | surehop doctor -` reads it"
            raise OSError(wide if "window" in str(error) else str(error)) from None
        view[: len(given)] = given
        return len(given)

    def _next(self, limit: int) -> bytes:
        given = b""
        while not given and not self._ended:
            packed = b"" if self._decoder.pending else self._packed.read(_CHUNK)
            if packed or self._decoder.pending:
                given = self._decoder.decode(packed, limit)
            else:
                self._decoder.finish()
                self._ended = True
        return given
