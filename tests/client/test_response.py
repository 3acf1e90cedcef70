"""Responses, beside httpx's."""

import asyncio
import gzip
import io
import pickle
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import pairwise
from typing import Any

import brotli
import httpx
import pytest
import zstandard
from hypothesis import given, strategies as st

from surehop.client.content import AsyncByteStream, SyncByteStream
from surehop.client.decoding import PIECE
from surehop.client.request import Request
from surehop.client.response import Response
from surehop.errors import (
    DecodingError,
    HTTPStatusError,
    ResponseNotRead,
    StreamClosed,
    StreamConsumed,
)

PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.compress,
    "identity": bytes,
}


@dataclass
class Answered:
    """What the native module would give."""

    status: int = 200
    reason: bytes = b"Fine"
    version: str = "HTTP/1.1"
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes | None = b""
    elapsed: float = 0.25

    def report(self) -> dict[str, Any]:
        return {"attempts": []}


class Pieces(SyncByteStream):
    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.closed = 0

    def __iter__(self) -> Iterator[bytes]:
        yield from self.pieces

    def close(self) -> None:
        self.closed += 1


class AsyncPieces(AsyncByteStream):
    def __init__(self, *pieces: bytes) -> None:
        self.pieces = pieces
        self.closed = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self.pieces:
            yield piece

    async def aclose(self) -> None:
        self.closed += 1


def seen(response: Any) -> Any:
    return (
        response.status_code,
        response.reason_phrase,
        response.http_version,
        response.headers.multi_items(),
        response.content,
        response.text,
        response.encoding,
        response.charset_encoding,
        response.is_closed,
        response.is_stream_consumed,
        response.is_informational,
        response.is_success,
        response.is_redirect,
        response.is_client_error,
        response.is_server_error,
        response.is_error,
        response.has_redirect_location,
        response.links,
        response.num_bytes_downloaded,
        response.history,
        repr(response),
    )


@pytest.mark.parametrize(
    ("status", "options"),
    [
        (200, {}),
        (200, {"content": b"bytes"}),
        (200, {"content": "text ü"}),
        (200, {"text": "ü"}),
        (200, {"html": "<p>ü"}),
        (200, {"json": {"a": ["ü", None]}}),
        (200, {"json": []}),
        (200, {"content": b"\xe9", "headers": {"Content-Type": "text/plain; charset=latin-1"}}),
        (200, {"content": b"\xe9", "headers": {"Content-Type": 'text/plain; charset="UTF-16"'}}),
        (200, {"content": b"\xe9", "headers": {"Content-Type": "text/plain; charset=nonsense"}}),
        (200, {"content": b"\xe9x", "default_encoding": "latin-1"}),
        (200, {"content": b"\xe9x", "default_encoding": lambda _: "cp1252"}),
        (204, {"headers": {"Content-Encoding": "gzip"}}),
        (301, {"headers": {"Location": "/x"}}),
        (304, {}),
        (302, {}),
        (404, {"extensions": {"reason_phrase": b"Nobody", "http_version": b"HTTP/1.0"}}),
        (103, {}),
        (500, {"content": gzip.compress(b"x"), "headers": {"content-encoding": "GZip"}}),
        (799, {}),
        (200, {"headers": {"Link": '<http://a/>; rel="next", <b>; title=x;y, <c>'}}),
        (200, {"headers": {"Link": ""}}),
        (200, {"content": [b"a", b"b"], "headers": {"content-length": "2"}, "read": True}),
        (200, {"content": [b"a", b"b"], "read": True}),
    ],
)
def test_made_by_hand_it_is_httpx_one(status: int, options: dict[str, Any]) -> None:
    read = options.get("read", False)
    options = {name: value for name, value in options.items() if name != "read"}
    mine, theirs = Response(status, **options), httpx.Response(status, **options)
    if read:
        assert mine.read() == theirs.read()

    assert seen(mine) == seen(theirs)


@pytest.mark.parametrize("status", [*range(100, 104), *range(200, 209), *range(300, 309)])
def test_phrases(status: int) -> None:
    assert Response(status).reason_phrase == httpx.Response(status).reason_phrase


@pytest.mark.parametrize("status", [101, 200, 302, 404, 503, 700])
@pytest.mark.parametrize("headers", [{}, {"Location": "/there"}])
def test_raising_for_status_says_what_httpx_says(status: int, headers: dict[str, str]) -> None:
    mine = Response(status, headers=headers, request=Request("GET", "http://h/a"))
    theirs = httpx.Response(status, headers=headers, request=httpx.Request("GET", "http://h/a"))
    if theirs.is_success:
        assert mine.raise_for_status() is mine
        return
    with pytest.raises(httpx.HTTPStatusError) as told:
        theirs.raise_for_status()
    with pytest.raises(HTTPStatusError) as raised:
        mine.raise_for_status()

    assert str(raised.value) == str(told.value)
    assert raised.value.response is mine
    assert raised.value.request is mine.request


def test_what_needs_a_request_says_so() -> None:
    with pytest.raises(RuntimeError, match="request"):
        Response(200).raise_for_status()
    for name in ("request", "url"):
        with pytest.raises(RuntimeError, match="request"):
            getattr(Response(200), name)
    with pytest.raises(RuntimeError, match="elapsed"):
        _ = Response(200).elapsed


def test_of_a_native_answer() -> None:
    request = Request("GET", "http://h/")
    pairs = [(b"Content-Type", b"application/json"), (b"Set-Cookie", b"a=b")]
    response = Response.of_answer(Answered(headers=pairs, body=b'{"a":1}'), request, "utf-8")

    assert response.json() == {"a": 1}
    assert response.is_closed
    assert response.headers["content-type"] == "application/json"
    assert response.elapsed == timedelta(seconds=0.25)
    assert (response.reason_phrase, response.http_version) == ("Fine", "HTTP/1.1")
    assert dict(response.cookies) == {"a": "b"}
    assert response.num_bytes_downloaded == 7
    assert response.history == []
    assert response.next_request is None
    assert response.request is request
    assert list(response.iter_bytes(3)) == [b'{"a', b'":1', b"}"]
    with pytest.raises(StreamConsumed):
        next(response.iter_raw())


@given(
    st.lists(st.sampled_from(sorted(PACK)), max_size=3),
    st.binary(max_size=200),
    st.lists(st.integers(0, 60), max_size=4),
    st.integers(1, 50) | st.none(),
)
def test_codings_are_undone_however_it_comes(
    codings: list[str], content: bytes, cuts: list[int], size: int | None
) -> None:
    packed = content
    for coding in codings:
        packed = PACK[coding](packed)
    at = sorted({0, *(min(cut, len(packed)) for cut in cuts), len(packed)})
    pieces = [packed[a:b] for a, b in pairwise(at)]
    headers = {"content-encoding": ", ".join(codings)}
    wire = [(b"content-encoding", headers["content-encoding"].encode())]

    response = Response(200, headers=headers, stream=Pieces(*pieces))
    read = list(response.iter_bytes(size))
    whole = Response.of_answer(Answered(headers=wire, body=packed), None, "utf-8")
    whole.decode_whole()

    assert b"".join(read) == whole.content == content
    assert all(len(piece) == size for piece in read[:-1]) or size is None
    assert response.num_bytes_downloaded == whole.num_bytes_downloaded == len(packed)

    async def later() -> list[bytes]:
        response = Response(200, headers=headers, stream=AsyncPieces(*pieces))
        return [piece async for piece in response.aiter_bytes(size)]

    assert asyncio.run(later()) == read


def test_an_unknown_coding_and_what_lies_beneath_it_are_left() -> None:
    packed = gzip.compress(b"x")

    assert (
        Response(200, content=packed, headers={"content-encoding": "gzip, aws"}).content == packed
    )
    outer = Response(200, content=packed, headers={"content-encoding": "aws, gzip"})
    assert outer.content == b"x"


@pytest.mark.parametrize("coding", ["gzip", "deflate", "br", "zstd"])
@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b"\x01\x02" + b])
def test_a_broken_body_is_a_decoding_error(coding: str, damage: Callable[[bytes], bytes]) -> None:
    request = Request("GET", "http://h/")
    headers = {"content-encoding": coding}
    broken = damage(PACK[coding](b"content" * 99))
    response = Response(200, headers=headers, stream=Pieces(broken), request=request)

    with pytest.raises(DecodingError, match=coding) as raised:
        response.read()
    assert raised.value.request is request


def test_a_bomb_goes_off_in_small_bangs() -> None:
    packed = gzip.compress(gzip.compress(bytes(3_000_000)))
    response = Response(200, headers={"content-encoding": "gzip, gzip"}, stream=Pieces(packed))
    sizes = [len(piece) for piece in response.iter_bytes()]

    assert sum(sizes) == 3_000_000
    assert max(sizes) <= PIECE


TEXTS = st.text(st.sampled_from("a\r\n\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029ü"), max_size=12)


@given(TEXTS, st.lists(st.integers(0, 20), max_size=4), st.integers(1, 5) | st.none())
def test_text_and_lines_however_they_come(text: str, cuts: list[int], size: int | None) -> None:
    data = text.encode()
    at = sorted({0, *(min(cut, len(data)) for cut in cuts), len(data)})
    pieces = [data[a:b] for a, b in pairwise(at)]

    assert list(Response(200, stream=Pieces(*pieces)).iter_lines()) == text.splitlines()
    read = list(Response(200, stream=Pieces(*pieces)).iter_text(size))
    assert "".join(read) == text
    assert size is None or all(len(piece) == size for piece in read[:-1])

    async def later() -> tuple[list[str], list[str]]:
        one = Response(200, stream=AsyncPieces(*pieces))
        other = Response(200, stream=AsyncPieces(*pieces))
        return [x async for x in one.aiter_lines()], [x async for x in other.aiter_text(size)]

    assert asyncio.run(later()) == (text.splitlines(), read)


def test_a_stream_is_read_once_and_closed_once() -> None:
    stream = Pieces(b"ab", b"c")
    with Response(200, stream=stream) as response:
        with pytest.raises(ResponseNotRead):
            _ = response.content
        assert list(response.iter_raw(2)) == [b"ab", b"c"]
        with pytest.raises(StreamConsumed):
            response.read()
    assert stream.closed == 1

    closed = Response(200, stream=Pieces(b"a"))
    closed.close()
    with pytest.raises(StreamClosed):
        closed.read()


def test_an_async_stream_is_read_once_and_closed_once() -> None:
    async def scenario() -> None:
        stream = AsyncPieces(b"ab", b"c")
        async with Response(200, stream=stream) as response:
            with pytest.raises(RuntimeError, match="aread"):
                response.read()
            with pytest.raises(RuntimeError, match="aclose"):
                response.close()
            assert [piece async for piece in response.aiter_raw(2)] == [b"ab", b"c"]
            with pytest.raises(StreamConsumed):
                await response.aread()
        assert stream.closed == 1
        sync = Response(200, stream=Pieces(b"a"))
        with pytest.raises(RuntimeError, match=r"`read\(\)`"):
            await sync.aread()
        with pytest.raises(RuntimeError, match="sync one"):
            await sync.aclose()
        read = Response(200, content=b"x")
        assert await read.aread() == b"x"
        assert [piece async for piece in read.aiter_bytes()] == [b"x"]

    asyncio.run(scenario())


def test_the_encoding_can_be_set_until_the_text_is_read() -> None:
    response = Response(200, content=b"\xe9")
    response.encoding = "latin-1"
    assert response.text == "é"
    with pytest.raises(ValueError, match="text"):
        response.encoding = "utf-8"


def test_it_pickles_with_what_was_read() -> None:
    request = Request("GET", "http://h/")
    whole = Response.of_answer(Answered(body=b"x", headers=[(b"a", b"b")]), request, "utf-8")
    whole.extensions["trace"] = io.StringIO()
    whole.mark = "mine"  # type: ignore[attr-defined]
    again = pickle.loads(pickle.dumps(whole))  # noqa: S301

    assert seen(again) == seen(whole)
    assert again.elapsed == whole.elapsed
    assert again.mark == "mine"
    assert str(again.url) == "http://h/"
    assert again.history == []
    unread = pickle.loads(pickle.dumps(Response(200, stream=Pieces(b"a"))))  # noqa: S301
    with pytest.raises(StreamClosed):
        unread.read()


@pytest.mark.parametrize("size", [0, -1])
def test_a_chunk_has_a_size(size: int) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        list(Response(200, content=b"x").iter_bytes(size))
