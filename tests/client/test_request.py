"""Requests, beside httpx's."""

import asyncio
import pickle
from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest

from surehop.client.content import ByteStream
from surehop.client.headers import Headers
from surehop.client.request import Request
from surehop.client.response import Response
from surehop.client.url import URL
from surehop.errors import (
    HTTPStatusError,
    InvalidURL,
    LocalProtocolError,
    RequestNotRead,
    StreamClosed,
)


def seen(request: Any) -> Any:
    return (
        request.method,
        str(request.url),
        request.headers.raw,
        request.content,
        request.read(),
        repr(request),
        request.extensions,
    )


@pytest.mark.parametrize("method", ["GET", "post", "PUT", "PATCH", "DELETE", "HEAD"])
@pytest.mark.parametrize(
    "options",
    [
        {},
        {"content": b"x"},
        {"content": "ü"},
        {"content": b""},
        {"data": {"a": [1, "b c"], "d": None, "e": True}},
        {"data": {}},
        {"json": {"a": [1, "ü", None]}},
        {"json": []},
        {"headers": {"Host": "other", "X": "y"}},
        {"headers": [("Content-Length", "3"), ("Content-Type", "text/x")], "content": b"abc"},
        {"headers": {"transfer-encoding": "chunked"}},
        {"params": {"a": "b c"}},
        {"params": {}},
        {"cookies": {"a": "b", "c": "d"}},
        {"cookies": {"a": "b"}, "headers": {"Cookie": "mine"}},
        {"cookies": [("a", "b")]},
        {"extensions": {"x": 1}},
        {"stream": None},
    ],
)
def test_it_is_httpx_one(method: str, options: dict[str, Any]) -> None:
    url = "http://user@example.org:8080/p?q=1#f"

    assert seen(Request(method, url, **options)) == seen(httpx.Request(method, url, **options))


def chunks() -> Iterator[bytes]:
    yield b"a"
    yield b"b"


async def later() -> AsyncIterator[bytes]:
    for chunk in chunks():
        yield chunk


@pytest.mark.parametrize("headers", [{}, {"Content-Length": "2"}])
def test_a_stream_is_framed_as_in_httpx_and_can_be_read(headers: dict[str, str]) -> None:
    mine = Request("POST", "http://h/", content=chunks(), headers=headers)
    theirs = httpx.Request("POST", "http://h/", content=chunks(), headers=headers)
    assert mine.headers.raw == theirs.headers.raw
    with pytest.raises(RequestNotRead):
        _ = mine.content

    assert mine.read() == mine.content == b"ab"
    assert mine.stream.replayable
    assert mine.headers.raw == theirs.headers.raw


def test_an_async_stream_is_read_by_aread() -> None:
    request = Request("POST", "http://h/", content=later())
    with pytest.raises(RuntimeError, match="aread"):
        request.read()

    assert asyncio.run(request.aread()) == b"ab"
    assert asyncio.run(request.aread()) == b"ab"
    assert asyncio.run(Request("POST", "http://h/", content=chunks()).aread()) == b"ab"


def test_a_header_beyond_ascii_may_be_set_later() -> None:
    request = Request("GET", "http://h/", headers={"a": "b"})
    request.headers["x"] = "é"

    assert request.headers["x"] == "é"
    assert request.headers["host"] == "h"


def test_with_a_stream_nothing_is_filled_in() -> None:
    assert Request("POST", "http://h/", stream=ByteStream(b"x")).headers.raw == []


def test_of_parts() -> None:
    url, headers, body = URL("http://h/"), Headers({"a": "b"}), ByteStream(b"x")
    request = Request.of_parts("GET", url, headers, body, {})

    assert (request.url, request.headers, request.stream) == (url, headers, body)
    assert request.content == b"x"


def test_what_cannot_be_sent_is_refused_when_it_is_made() -> None:
    with pytest.raises(InvalidURL):
        Request("GET", "http://h:x/")
    with pytest.raises(LocalProtocolError):
        Request("GET", "http://h/", headers={"a": "b\r\nc: d"})


@pytest.mark.parametrize("method", ["", "GET /", "G\r\nX: y", "GÉT"])
def test_a_method_that_is_none_is_refused(method: str) -> None:
    with pytest.raises(LocalProtocolError, match="method"):
        Request(method, "http://h/")


def test_a_password_is_shown_neither_here_nor_in_an_error() -> None:
    request = Request("GET", "http://jo:hush@h/?a")
    with pytest.raises(HTTPStatusError) as raised:
        Response(404, request=request).raise_for_status()

    assert "hush" not in repr(request) + str(raised.value)
    assert "http://jo:[secure]@h/?a" in repr(request)
    assert str(request.url) == "http://jo:hush@h/?a"


def test_it_pickles_with_its_body() -> None:
    request = Request("POST", "http://h/", content=b"x", extensions={"no": chunks()})
    request.mark = "mine"  # type: ignore[attr-defined]
    again = pickle.loads(pickle.dumps(request))  # noqa: S301

    assert seen(again) == ("POST", "http://h/", request.headers.raw, b"x", b"x", repr(request), {})
    assert again.mark == "mine"
    stream = pickle.loads(pickle.dumps(Request("POST", "http://h/", content=chunks())))  # noqa: S301
    with pytest.raises(StreamClosed):
        stream.read()
