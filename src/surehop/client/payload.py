"""What a response carries: read whole or piece by piece, as bytes, text or lines."""

import codecs
import json as jsonlib
from collections.abc import AsyncIterator, Callable, Iterator
from types import TracebackType
from typing import Any, Self

from surehop.client.decoding import (
    Chunks,
    ContentDecoder,
    Lines,
    TextChunks,
    charset_of,
    codings_of,
    is_text_encoding,
)
from surehop.client.headers import Headers
from surehop.client.request import Request
from surehop.errors import ResponseNotRead, StreamClosed, StreamConsumed


class _Bytes:
    """Decodes what comes, and cuts it."""

    def __init__(self, decoder: ContentDecoder | None, size: int | None) -> None:
        self._decoder = decoder
        self._chunks = Chunks(size)

    def put(self, raw: bytes) -> Iterator[bytes]:
        if self._decoder is None:
            yield from self._chunks.put(raw)
            return
        for piece in self._decoder.put(raw):
            yield from self._chunks.put(piece)

    def rest(self) -> Iterator[bytes]:
        if self._decoder is not None:
            for piece in self._decoder.rest():
                yield from self._chunks.put(piece)
        yield from self._chunks.rest()


class _Text:
    """Reads what comes as text, and cuts it."""

    def __init__(self, encoding: str, size: int | None) -> None:
        self._decoder = codecs.getincrementaldecoder(encoding)(errors="replace")
        self._chunks = TextChunks(size)

    def put(self, data: bytes) -> Iterator[str]:
        return self._chunks.put(self._decoder.decode(data))

    def rest(self) -> Iterator[str]:
        yield from self._chunks.put(self._decoder.decode(b"", final=True))
        yield from self._chunks.rest()


class Payload:
    """The body's side of a response."""

    __slots__ = (
        "_content",
        "_encoding",
        "_received",
        "_request",
        "_text",
        "default_encoding",
        "is_closed",
        "is_stream_consumed",
        "stream",
    )

    stream: Any
    is_closed: bool
    is_stream_consumed: bool
    default_encoding: str | Callable[[bytes], str]
    _content: bytes | None
    _encoding: str | None
    _received: int
    _request: Request | None
    _text: str | None

    @property
    def headers(self) -> Headers:
        raise NotImplementedError

    @property
    def num_bytes_downloaded(self) -> int:
        """Bytes of the body that have come, before decoding."""
        return self._received

    @property
    def content(self) -> bytes:
        """The body, decoded; ResponseNotRead if it is a stream that has not been read."""
        if self._content is None:
            raise ResponseNotRead
        return self._content

    @property
    def text(self) -> str:
        """The body as text; what its encoding can't read is replaced."""
        if self._text is None:
            self._text = self.content.decode(self.encoding or "utf-8", "replace")
        return self._text

    def json(self, **kwargs: Any) -> Any:
        return jsonlib.loads(self.content, **kwargs)

    @property
    def charset_encoding(self) -> str | None:
        """The charset that Content-Type says."""
        content_type: str | None = self.headers.get("content-type")
        return None if content_type is None else charset_of(content_type)

    @property
    def encoding(self) -> str | None:
        """How `text` is read: what was set, what Content-Type says, `default_encoding`."""
        if self._encoding is None:
            encoding = self.charset_encoding
            if encoding is None or not is_text_encoding(encoding):
                default = self.default_encoding
                if isinstance(default, str):
                    encoding = default
                elif self._content is not None:
                    encoding = default(self._content)
                else:
                    return "utf-8"  # asked again when there is something to look at
            self._encoding = encoding or "utf-8"
        return self._encoding

    @encoding.setter
    def encoding(self, encoding: str) -> None:
        if self._text is not None:
            raise ValueError("`text` has been read already; set `encoding` before")
        self._encoding = encoding

    def _bytes(self, size: int | None) -> _Bytes:
        codings = codings_of(self.headers.get_list("content-encoding", split_commas=True))
        return _Bytes(ContentDecoder(codings, self._request) if codings else None, size)

    def decode_whole(self) -> None:
        """Undoes the content codings of a body that was taken whole; DecodingError."""
        if self._content:
            unpacking = self._bytes(None)
            self._content = b"".join((*unpacking.put(self._content), *unpacking.rest()))

    def _begin(self, kind: str, other: str) -> Any:
        """The stream, which is read once."""
        if self.is_stream_consumed:
            raise StreamConsumed
        if self.is_closed:
            raise StreamClosed
        if not hasattr(self.stream, kind):
            raise RuntimeError(f"the response can't be read this way: use {other}")
        self.is_stream_consumed = True
        self._received = 0
        return self.stream

    def read(self) -> bytes:
        """Reads what is left into `content`."""
        if self._content is None:
            self._content = b"".join(self.iter_bytes())
        return self._content

    def iter_raw(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The bytes as they come, not decoded; in pieces of `chunk_size` bytes, if given."""
        stream = self._begin("__iter__", "`aiter_raw()`, `await aread()` and their like")
        chunks = Chunks(chunk_size)
        for raw in stream:
            self._received += len(raw)
            yield from chunks.put(raw)
        yield from chunks.rest()
        self.close()

    def iter_bytes(self, chunk_size: int | None = None) -> Iterator[bytes]:
        """The body's bytes, decoded."""
        if self._content is not None:
            whole = Chunks(chunk_size)
            yield from whole.put(self._content)
            yield from whole.rest()
            return
        unpacking = self._bytes(chunk_size)
        for raw in self.iter_raw():
            yield from unpacking.put(raw)
        yield from unpacking.rest()

    def iter_text(self, chunk_size: int | None = None) -> Iterator[str]:
        """The body as text, in pieces of `chunk_size` characters, if given."""
        reading = _Text(self.encoding or "utf-8", chunk_size)
        for data in self.iter_bytes():
            yield from reading.put(data)
        yield from reading.rest()

    def iter_lines(self) -> Iterator[str]:
        """The lines of the text, without their ends."""
        lines = Lines()
        for text in self.iter_text():
            yield from lines.put(text)
        yield from lines.rest()

    def close(self) -> None:
        """Gives up what has not been read; the connection is free, or closed."""
        if not self.is_closed:
            if self.stream is not None and not hasattr(self.stream, "__iter__"):
                raise RuntimeError("the response is an async one: use `await aclose()`")
            self.is_closed = True
            self.stream.close()

    async def aread(self) -> bytes:
        if self._content is None:
            self._content = b"".join([chunk async for chunk in self.aiter_bytes()])
        return self._content

    async def aiter_raw(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        stream = self._begin("__aiter__", "`iter_raw()`, `read()` and their like")
        chunks = Chunks(chunk_size)
        async for raw in stream:
            self._received += len(raw)
            for piece in chunks.put(raw):
                yield piece
        for piece in chunks.rest():
            yield piece
        await self.aclose()

    async def aiter_bytes(self, chunk_size: int | None = None) -> AsyncIterator[bytes]:
        if self._content is not None:
            for piece in self.iter_bytes(chunk_size):
                yield piece
            return
        unpacking = self._bytes(chunk_size)
        async for raw in self.aiter_raw():
            for piece in unpacking.put(raw):
                yield piece
        for piece in unpacking.rest():
            yield piece

    async def aiter_text(self, chunk_size: int | None = None) -> AsyncIterator[str]:
        reading = _Text(self.encoding or "utf-8", chunk_size)
        async for data in self.aiter_bytes():
            for text in reading.put(data):
                yield text
        for text in reading.rest():
            yield text

    async def aiter_lines(self) -> AsyncIterator[str]:
        lines = Lines()
        async for text in self.aiter_text():
            for line in lines.put(text):
                yield line
        for line in lines.rest():
            yield line

    async def aclose(self) -> None:
        if not self.is_closed:
            if self.stream is not None and not hasattr(self.stream, "__aiter__"):
                raise RuntimeError("the response is a sync one: use `close()`")
            self.is_closed = True
            await self.stream.aclose()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
