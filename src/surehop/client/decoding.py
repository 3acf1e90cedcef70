"""From the bytes of a response's body to its content, its text and its lines."""

import codecs
import email.message
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from surehop._core import Decoder
from surehop.client.request import Request
from surehop.errors import DecodingError

PIECE: Final = 262_144  # bytes that are unpacked at once: a bomb goes off in small bangs
MOST_CODINGS: Final = 5  # upon one another
CODINGS: Final = {
    "gzip": "gzip",
    "x-gzip": "gzip",
    "deflate": "deflate",
    "br": "br",
    "zstd": "zstd",
}
# What ends a line for `str.splitlines`.
_ENDS: Final = "\n\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"


def codings_of(values: Sequence[str]) -> list[str]:
    """The codings to undo, in that order. An unknown one is left, and what lies beneath it."""
    undone: list[str] = []
    for value in reversed(values):
        word = value.strip().lower()
        if word in ("", "identity"):
            continue
        coding = CODINGS.get(word)
        if coding is None:
            break
        undone.append(coding)
    return undone


class ContentDecoder:
    """Undoes the codings of a body as it comes, in pieces of bounded size; DecodingError where it
    breaks, with `request` as its request.
    """

    def __init__(self, codings: Sequence[str], request: Request | None = None) -> None:
        if len(codings) > MOST_CODINGS:  # each holds memory and multiplies what comes out
            raise DecodingError(f"the body has {len(codings)} codings", request=request)
        self._decoders = [(coding, Decoder(coding)) for coding in codings]
        self._request = request

    def _failed(self, coding: str, error: ValueError) -> DecodingError:
        return DecodingError(f"the body is not {coding}: {error}", request=self._request)

    def put(self, data: bytes) -> Iterator[bytes]:
        return self._unpack(0, data)

    def _unpack(self, depth: int, data: bytes) -> Iterator[bytes]:
        if depth == len(self._decoders):
            if data:
                yield data
            return
        coding, decoder = self._decoders[depth]
        while data or decoder.pending:
            try:
                piece = decoder.decode(data, PIECE)
            except ValueError as error:
                raise self._failed(coding, error) from error
            yield from self._unpack(depth + 1, piece)
            data = b""

    def rest(self) -> Iterator[bytes]:
        """What is left; a body without a byte is whole: the answer to HEAD has such a one."""
        for depth, (coding, decoder) in enumerate(self._decoders):
            try:
                piece = decoder.finish()
            except ValueError as error:
                raise self._failed(coding, error) from error
            yield from self._unpack(depth + 1, piece)


class Chunks:
    """Cuts what comes into pieces of one size; the last may be smaller."""

    def __init__(self, size: int | None) -> None:
        if size is not None and size < 1:
            raise ValueError(f"`chunk_size` must be at least 1, not {size}")
        self._size = size
        self._held = bytearray()

    def put(self, data: bytes) -> Iterator[bytes]:
        size = self._size
        if size is None:
            if data:
                yield data
            return
        held = self._held
        held += data
        while len(held) >= size:
            piece = bytes(held[:size])
            del held[:size]
            yield piece

    def rest(self) -> Iterator[bytes]:
        if self._held:
            yield bytes(self._held)
            self._held.clear()


class TextChunks:
    """Cuts text into pieces of one size; the last may be smaller."""

    def __init__(self, size: int | None) -> None:
        if size is not None and size < 1:
            raise ValueError(f"`chunk_size` must be at least 1, not {size}")
        self._size = size
        self._held = ""

    def put(self, text: str) -> Iterator[str]:
        size = self._size
        if size is None:
            if text:
                yield text
            return
        self._held += text
        whole = len(self._held) - len(self._held) % size
        pieces, self._held = self._held[:whole], self._held[whole:]
        for start in range(0, whole, size):
            yield pieces[start : start + size]

    def rest(self) -> Iterator[str]:
        if self._held:
            yield self._held
            self._held = ""


class Lines:
    """`str.splitlines` of text that comes in pieces."""

    def __init__(self) -> None:
        self._held: list[str] = []  # of a line that has not ended
        self._return = False  # the last was `\r`: a `\n` may belong to it

    def put(self, text: str) -> list[str]:
        if self._return:
            text = "\r" + text
        self._return = text.endswith("\r")
        if self._return:
            text = text[:-1]
        if not text:
            return []
        lines = text.splitlines()
        ended = text[-1] in _ENDS
        if len(lines) == 1 and not ended:
            self._held.append(text)
            return []
        lines[0] = "".join((*self._held, lines[0]))
        self._held = [] if ended else [lines.pop()]
        return lines

    def rest(self) -> list[str]:
        if not self._held and not self._return:
            return []
        lines = ["".join(self._held)]
        self._held, self._return = [], False
        return lines


@lru_cache(maxsize=256)
def charset_of(content_type: str) -> str | None:
    """The charset that a Content-Type says, in lower case."""
    message = email.message.Message()
    message["content-type"] = content_type
    return message.get_content_charset(failobj=None)


@lru_cache(maxsize=256)
def is_text_encoding(name: str) -> bool:
    """Whether Python can read text in it."""
    try:
        codecs.lookup(name)
        b"".decode(name)
    except (LookupError, ValueError):  # ValueError: a NUL in the name
        return False
    return True
