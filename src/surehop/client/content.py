"""Bodies: what a request or a response made by hand carries, and whether it can be begun again."""

import io
import json as jsonlib
import os
import warnings
from collections.abc import AsyncIterable, AsyncIterator, Collection, Iterable, Iterator, Mapping
from typing import IO, Any, Final, TypeAlias, cast
from urllib.parse import urlencode

from surehop.client.params import text_of
from surehop.errors import LocalProtocolError, StreamClosed, StreamConsumed

CHUNK: Final = 65_536  # bytes read from a file at once

Content: TypeAlias = str | bytes | Iterable[bytes] | AsyncIterable[bytes]
Data: TypeAlias = Mapping[str, Any]
FileContent: TypeAlias = IO[bytes] | bytes | str
FileTypes: TypeAlias = (
    FileContent
    | tuple[str | None, FileContent]
    | tuple[str | None, FileContent, str | None]
    | tuple[str | None, FileContent, str | None, Mapping[str, str]]
)
Files: TypeAlias = Mapping[str, FileTypes] | Iterable[tuple[str, FileTypes]]


class Body:
    """A body. `whole` is all of it, where it is in memory; else it is iterated over, and `length`
    says how many bytes will come (None: chunked). `replayable`: a second iteration gives the same.
    """

    __slots__ = ()
    whole: bytes | None = None
    length: int | None = None
    replayable: bool = False

    def close(self) -> None:
        """Called when nobody will read on."""

    async def aclose(self) -> None:
        self.close()


class SyncByteStream(Body):
    """A stream of the user's, read by `for`: override `__iter__`, and `close` if need be."""

    __slots__ = ()

    def __iter__(self) -> Iterator[bytes]:
        raise NotImplementedError("`__iter__` of a stream gives its chunks")


class AsyncByteStream(Body):
    """A stream of the user's, read by `async for`: override `__aiter__`, and maybe `aclose`."""

    __slots__ = ()

    def __aiter__(self) -> AsyncIterator[bytes]:
        raise NotImplementedError("`__aiter__` of a stream gives its chunks")


class ByteStream(SyncByteStream, AsyncByteStream):
    """Bytes in memory."""

    __slots__ = ("length", "whole")
    whole: bytes
    length: int
    replayable = True

    def __init__(self, stream: bytes) -> None:
        self.whole = stream
        self.length = len(stream)

    def __iter__(self) -> Iterator[bytes]:
        yield self.whole

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.whole


EMPTY: Final = ByteStream(b"")


class UnattachedStream(SyncByteStream, AsyncByteStream):
    """What is left of a stream after pickling."""

    def __iter__(self) -> Iterator[bytes]:
        raise StreamClosed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        raise StreamClosed
        yield b""


def _checked(chunk: object) -> bytes:
    if isinstance(chunk, bytes):
        return chunk
    if isinstance(chunk, (bytearray, memoryview)):
        return bytes(chunk)
    raise TypeError(f"a body is made of bytes, but a chunk of it is `{type(chunk).__name__}`")


class IteratedBody(SyncByteStream):
    """An iterable's chunks. Only what holds them (a list) is sure to give them again: an object
    with an `__iter__` of its own may be iterated over once more, but is never retried.
    """

    def __init__(self, source: Iterable[bytes]) -> None:
        self._source = source
        self._begun = False
        self.replayable = isinstance(source, Collection)

    def __iter__(self) -> Iterator[bytes]:
        if self._begun and isinstance(self._source, Iterator):
            raise StreamConsumed
        self._begun = True
        for chunk in self._source:
            yield _checked(chunk)


class AsyncIteratedBody(AsyncByteStream):
    """An async iterable's chunks, or what `aread` of an async file gives."""

    def __init__(self, source: AsyncIterable[bytes]) -> None:
        self._source = source
        self._begun = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        read = getattr(self._source, "aread", None)
        if self._begun and (read is not None or isinstance(self._source, AsyncIterator)):
            raise StreamConsumed
        self._begun = True
        if read is not None:
            while chunk := await read(CHUNK):
                yield _checked(chunk)
            return
        async for chunk in self._source:
            yield _checked(chunk)


class FileBody(SyncByteStream, AsyncByteStream):
    """A file from where it stands to its end; `start` puts it elsewhere. The loop waits while an
    async client reads it, as it does for any file.
    """

    def __init__(self, file: Any, start: int | None = None) -> None:
        if isinstance(file, io.TextIOBase):
            raise TypeError("the file is opened as text; a body needs it in binary mode: `rb`")
        self._file = file
        self._start: int | None = None
        self._begun = False
        self.length = self._measure(start)
        self.replayable = self._start is not None

    def _measure(self, start: int | None) -> int | None:
        """Bytes from the start to the end; None if the file does not say."""
        file = self._file
        try:
            self._start = file.tell() if start is None else file.seek(start)
            end = cast("int", file.seek(0, os.SEEK_END))
            file.seek(self._start)
        except (AttributeError, OSError, ValueError):
            self._start = None
            return None
        return max(end - cast("int", self._start), 0)

    def __iter__(self) -> Iterator[bytes]:
        if self._begun and self._start is None:
            raise StreamConsumed
        if self._start is not None:
            self._file.seek(self._start)
        self._begun = True
        left = self.length  # as it was told: a file that has grown since is not sent further
        while left != 0 and (chunk := self._file.read(CHUNK if left is None else min(CHUNK, left))):
            yield _checked(chunk)
            left = None if left is None else left - len(chunk)
        if left:
            raise LocalProtocolError(f"the file is {left} bytes shorter than when it was measured")

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for chunk in self:
            yield chunk


def _whole(body: bytes, content_type: str | None = None) -> tuple[dict[str, str], Body]:
    headers = {"Content-Length": str(len(body))}
    if content_type is not None:
        headers["Content-Type"] = content_type
    return headers, ByteStream(body)


def _framed(body: Body) -> tuple[dict[str, str], Body]:
    if body.length is None:
        return {"Transfer-Encoding": "chunked"}, body
    return {"Content-Length": str(body.length)}, body


def encode_content(content: Any) -> tuple[dict[str, str], Body]:
    """The headers and the body of `content=`."""
    if isinstance(content, str):
        content = content.encode()
    if isinstance(content, (bytearray, memoryview)):
        content = bytes(content)
    if isinstance(content, bytes):
        return _whole(content) if content else ({}, EMPTY)
    if isinstance(content, AsyncIterable):
        return _framed(AsyncIteratedBody(content))
    if isinstance(content, Iterable) and not isinstance(content, dict):
        if hasattr(content, "read"):
            return _framed(FileBody(content))
        return _framed(IteratedBody(content))
    hint = "; a dict goes by `data=` or `json=`" if isinstance(content, dict) else ""
    raise TypeError(
        f"`content` is str, bytes or an iterable of bytes, not `{type(content).__name__}`{hint}"
    )


def encode_form(data: Data) -> tuple[dict[str, str], Body]:
    pairs: list[tuple[str, str | bytes]] = []
    for name, value in data.items():
        several = value if isinstance(value, (list, tuple)) else (value,)
        pairs += [(name, item if isinstance(item, bytes) else text_of(item)) for item in several]
    return _whole(urlencode(pairs).encode(), "application/x-www-form-urlencoded")


def encode_json(json: Any) -> tuple[dict[str, str], Body]:
    """Compact, in UTF-8; ValueError for NaN and infinities, which JSON has not."""
    text = jsonlib.dumps(json, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _whole(text.encode(), "application/json")


def encode_request(
    content: Content | None = None,
    data: Data | None = None,
    files: Files | None = None,
    json: Any | None = None,
    boundary: bytes | None = None,
) -> tuple[dict[str, str], Body]:
    """The headers that a request's body asks for, and the body."""
    if data is not None and not isinstance(data, Mapping):
        warnings.warn("bytes and text go by `content=`, not by `data=`", DeprecationWarning, 3)
        return encode_content(data)
    if content is not None:
        return encode_content(content)
    if files:
        # Only here, since what writes the parts' heads takes longer to import than all the rest.
        from surehop.client.multipart import MultipartBody  # noqa: PLC0415

        multipart = MultipartBody(data or {}, files, boundary)
        headers, _ = _framed(multipart)
        return {**headers, "Content-Type": multipart.content_type}, multipart
    if data:
        return encode_form(data)
    if json is not None:
        return encode_json(json)
    return {}, EMPTY


def encode_response(
    content: Content | None = None,
    text: str | None = None,
    html: str | None = None,
    json: Any | None = None,
) -> tuple[dict[str, str], Body]:
    """The headers and the body of a response that is made by hand."""
    if content is not None:
        return encode_content(content)
    if text is not None:
        return _whole(text.encode(), "text/plain; charset=utf-8")
    if html is not None:
        return _whole(html.encode(), "text/html; charset=utf-8")
    if json is not None:
        return encode_json(json)
    return {}, EMPTY
