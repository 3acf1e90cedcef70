"""Bodies, beside httpx's, and whether they can be begun again."""

import asyncio
import io
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from hypothesis import given, strategies as st

from surehop.client.content import (
    AsyncByteStream,
    Body,
    ByteStream,
    SyncByteStream,
    UnattachedStream,
    encode_request,
)
from surehop.errors import LocalProtocolError, StreamClosed, StreamConsumed


def parts(body: Body) -> bytes:
    return b"".join(cast("Iterator[bytes]", body))


def later(body: Body) -> bytes:
    async def read() -> bytes:
        return b"".join([part async for part in cast("AsyncIterator[bytes]", body)])

    return asyncio.run(read())


def generator() -> Iterator[bytes]:
    yield b"a"
    yield b""
    yield b"b"


async def async_generator() -> AsyncIterator[bytes]:
    for part in generator():
        yield part


class Fresh:
    """Begins anew whenever it is iterated over."""

    def __iter__(self) -> Iterator[bytes]:
        return generator()


class AsyncFresh:
    def __aiter__(self) -> AsyncIterator[bytes]:
        return async_generator()


class Pipe(io.RawIOBase):
    """A file that neither seeks nor says how long it is."""

    def __init__(self, data: bytes) -> None:
        self._left = io.BytesIO(data)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        return self._left.read(size)


class AsyncFile:
    """What async file libraries give."""

    def __init__(self, data: bytes) -> None:
        self._left = io.BytesIO(data)

    async def aread(self, size: int) -> bytes:
        return self._left.read(size)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"line by line, which is not asked for"


PRIMITIVES = st.none() | st.booleans() | st.integers() | st.text("a é&=+\n", max_size=4)
FORMS = st.dictionaries(
    st.text("ab é", max_size=3), PRIMITIVES | st.lists(PRIMITIVES, max_size=3), max_size=4
)
JSON = st.recursive(
    PRIMITIVES | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(FORMS)
def test_forms_are_written_as_httpx_writes_them(data: dict[str, Any]) -> None:
    headers, body = encode_request(data=data)
    told = httpx.Request("GET", "http://h/", data=data)

    assert (body.whole or b"") == told.content
    if data:
        assert told.headers["content-type"] == headers["Content-Type"]
        assert told.headers["content-length"] == headers["Content-Length"]


@given(JSON.filter(lambda value: value is not None))
def test_json_is_written_as_httpx_writes_it(value: Any) -> None:
    try:
        told = httpx.Request("POST", "http://h/", json=value)
    except UnicodeEncodeError:  # half of a surrogate pair
        with pytest.raises(UnicodeEncodeError):
            encode_request(json=value)
        return
    headers, body = encode_request(json=value)

    assert body.whole == told.content
    assert headers["Content-Type"] == told.headers["content-type"]


def test_bytes_in_a_form_are_bytes() -> None:
    _, body = encode_request(data={"a": b"\xff b", "c": [b"d"]})

    assert body.whole == b"a=%FF+b&c=d"


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_what_json_has_not_is_a_value_error(value: float) -> None:
    with pytest.raises(ValueError, match="JSON compliant"):
        encode_request(json={"a": value})


@pytest.mark.parametrize(
    ("content", "length", "replayable"),
    [
        (b"ab", 2, True),
        ("ab", 2, True),
        (bytearray(b"ab"), 2, True),
        (memoryview(b"ab"), 2, True),
        ([b"a", b"b"], None, True),
        ((bytearray(b"a"), memoryview(b"b")), None, True),
        (generator(), None, False),
        (iter([b"ab"]), None, False),
        (io.BytesIO(b"ab"), 2, True),
        (Pipe(b"ab"), None, False),
    ],
)
def test_a_body_says_what_it_is(content: Any, length: int | None, replayable: bool) -> None:
    headers, body = encode_request(content)

    assert (body.length, body.replayable) == (length, replayable)
    framing = {"Transfer-Encoding": "chunked"} if length is None else {"Content-Length": "2"}
    assert headers == framing
    assert parts(body) == b"ab"
    if replayable:
        assert parts(body) == b"ab"
    else:
        with pytest.raises(StreamConsumed):
            parts(body)


@pytest.mark.parametrize(
    ("content", "again"),
    [(async_generator(), False), (AsyncFresh(), True), (AsyncFile(b"ab"), False)],
)
def test_an_async_body_says_what_it_is(content: Any, again: bool) -> None:
    headers, body = encode_request(content)

    assert headers == {"Transfer-Encoding": "chunked"}
    assert (body.length, body.replayable) == (None, False)
    assert later(body) == b"ab"
    if again:
        assert later(body) == b"ab"
    else:
        with pytest.raises(StreamConsumed):
            later(body)


def test_a_file_is_sent_from_where_it_stands_as_often_as_need_be(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"0123456789" * 20_000)
    with path.open("rb") as file:
        file.seek(5)
        headers, body = encode_request(file)

        assert headers == {"Content-Length": "199995"}
        assert body.replayable
        first, second = parts(body), later(body)
    assert first == second == path.read_bytes()[5:]


def test_an_object_of_the_users_may_be_read_again_but_is_not_said_to_be_the_same() -> None:
    _, body = encode_request(Fresh())

    assert not body.replayable
    assert parts(body) == parts(body) == b"ab"


def test_a_file_is_sent_as_long_as_it_was_said_to_be(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"12345")
    with path.open("rb", buffering=0) as file:
        _, body = encode_request(file)
        path.write_bytes(b"123456789")
        assert parts(body) == b"12345"
        path.write_bytes(b"123")
        with pytest.raises(LocalProtocolError, match="2 bytes shorter"):
            parts(body)


def test_a_file_past_its_end_is_empty() -> None:
    file = io.BytesIO(b"ab")
    file.seek(9)
    headers, body = encode_request(file)

    assert headers == {"Content-Length": "0"}
    assert parts(body) == b""


def test_a_file_opened_as_text_is_refused() -> None:
    with pytest.raises(TypeError, match="binary mode"):
        encode_request(io.StringIO("a"))  # type: ignore[arg-type]


@pytest.mark.parametrize("content", [1, {"a": "b"}, object(), generator])
def test_what_is_no_body_is_a_type_error(content: Any) -> None:
    with pytest.raises(TypeError, match="content"):
        encode_request(content)


def test_a_chunk_that_is_not_bytes_is_a_type_error() -> None:
    _, body = encode_request(["text"])  # type: ignore[list-item]

    with pytest.raises(TypeError, match="`str`"):
        parts(body)


def test_bytes_as_data_are_deprecated() -> None:
    with pytest.warns(DeprecationWarning, match="content="):
        _, body = encode_request(data=b"ab")  # type: ignore[arg-type]
    assert body.whole == b"ab"


@pytest.mark.parametrize("options", [{}, {"content": b""}, {"content": ""}, {"data": {}}])
def test_nothing_has_no_headers(options: dict[str, Any]) -> None:
    headers, body = encode_request(**options)

    assert headers == {}
    assert body.whole == b""


def test_streams_of_bytes() -> None:
    assert parts(ByteStream(b"ab")) == later(ByteStream(b"ab")) == b"ab"
    with pytest.raises(StreamClosed):
        parts(UnattachedStream())
    with pytest.raises(StreamClosed):
        later(UnattachedStream())
    with pytest.raises(NotImplementedError):
        parts(SyncByteStream())
    with pytest.raises(NotImplementedError):
        later(AsyncByteStream())
