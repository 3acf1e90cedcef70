"""httpx's own clients over this transport."""

import asyncio
import gzip
import io
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from operator import methodcaller
from typing import Any

import httpx
import pytest
import trio
from site_pages import Asked, Pages, to

import surehop
from surehop.httpx import AsyncTransport, Transport
from surehop.lab.origins import Fault, Origin

KINDS = ("sync", "asyncio", "trio")
Ask = Callable[[Any], Any]


def ask(kind: str, *asks: Ask, client: dict[str, Any] | None = None, **options: Any) -> Any:
    """Ask one after another with one client, and give the last answer, read."""
    told = client or {}
    if kind == "sync":
        with httpx.Client(transport=Transport(**options), **told) as plain:
            return [one(plain) for one in asks][-1]

    async def main() -> Any:
        async with httpx.AsyncClient(transport=AsyncTransport(**options), **told) as tasks:
            return [await one(tasks) for one in asks][-1]

    run: Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]
    run = trio.run if kind == "trio" else lambda script: asyncio.run(script())
    return run(main)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("close", ["fin", "rst"])
@pytest.mark.parametrize(
    ("method", "headers", "delivered"),
    [("GET", {}, 2), ("POST", {}, 1), ("POST", {"Idempotency-Key": "k"}, 2)],
)
def test_a_reused_connection_dies(
    kind: str, close: str, method: str, headers: dict[str, str], delivered: int
) -> None:
    with Origin(faults=[Fault(close, nth=2)]) as origin:
        url = f"http://127.0.0.1:{origin.port}"
        asks: list[Ask] = [
            lambda client: client.get(f"{url}/first"),
            lambda client: client.request(method, f"{url}/x", headers=headers),
        ]
        if delivered == 2:
            assert ask(kind, *asks).text == "ok\n"
        else:
            wanted = httpx.RemoteProtocolError if close == "fin" else httpx.ReadError
            with pytest.raises(wanted, match="since a POST may have been done") as failed:
                ask(kind, *asks)
            cause = failed.value.__cause__
            assert isinstance(cause, surehop.ConnectionClosed)
            assert cause.evidence is not None
            assert cause.evidence.reused is True
            assert str(failed.value) == str(cause)
            assert str(failed.value.request.url) == f"{url}/x"
        assert origin.stats().paths["/x"] == delivered


@pytest.mark.parametrize("kind", KINDS)
def test_retries(kind: str) -> None:
    with Origin(faults=[Fault("rst", times=2)]) as origin:
        url = f"http://127.0.0.1:{origin.port}"
        assert ask(kind, lambda client: client.get(url), retries=2).status_code == 200
        assert origin.stats().requests == 3


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        (Fault("hang"), httpx.ReadTimeout),
        (Fault("garbage"), httpx.RemoteProtocolError),
        (Fault("half_body"), httpx.RemoteProtocolError),
    ],
)
def test_errors_are_httpx_s(kind: str, fault: Fault, wanted: type[Exception]) -> None:
    with Origin(faults=[fault]) as origin:
        url = f"http://127.0.0.1:{origin.port}"
        with pytest.raises(wanted) as failed:
            ask(kind, lambda client: client.get(url, timeout=0.3))
    assert isinstance(failed.value.__cause__, surehop.HTTPError)
    assert url in str(failed.value)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("url", "wanted", "cause"),
    [
        ("http://127.0.0.1:1/", httpx.ConnectError, surehop.ConnectError),
        ("http://nobody.invalid/", httpx.ConnectError, surehop.ResolveError),
        ("ftp://127.0.0.1/", httpx.UnsupportedProtocol, surehop.UnsupportedProtocol),
    ],
)
def test_no_connection(
    kind: str, url: str, wanted: type[Exception], cause: type[Exception]
) -> None:
    with pytest.raises(wanted) as failed:
        ask(kind, lambda client: client.get(url))
    if url.startswith("http"):  # httpx itself knows no `ftp`
        assert isinstance(failed.value.__cause__, cause)


@pytest.mark.parametrize("kind", KINDS)
def test_time_for_all_tries(kind: str) -> None:
    with Origin(faults=[Fault("hang")]) as origin:
        url = f"http://127.0.0.1:{origin.port}"
        retry = surehop.Retry(total=0.2)
        with pytest.raises(httpx.TimeoutException) as failed:
            ask(kind, lambda client: client.get(url), retry=retry)
    assert isinstance(failed.value.__cause__, surehop.TotalTimeout)


@pytest.mark.parametrize("kind", KINDS)
def test_an_answer_that_is_none(kind: str) -> None:
    with Origin(status=503) as origin:
        url = f"http://127.0.0.1:{origin.port}"
        retry = surehop.Retry(0, validate=lambda response: response.status_code == 200)
        with pytest.raises(httpx.HTTPStatusError) as failed:
            ask(kind, lambda client: client.get(url), retry=retry)
    assert failed.value.response.status_code == 503


@pytest.mark.parametrize("kind", KINDS)
def test_what_httpx_does(kind: str) -> None:
    """Redirects, cookies, auth, params, JSON, forms, files, gzip."""
    packed = gzip.compress(b"plain")
    with Pages(
        away=to("/page"),
        give=lambda _: (200, {"Set-Cookie": "a=1\nb=2"}, b""),
        packed=lambda _: (200, {"Content-Encoding": "gzip"}, packed),
    ) as pages:
        told = {"base_url": pages.url, "follow_redirects": True, "auth": ("me", "secret")}
        away = ask(kind, lambda client: client.get("/away", params={"q": "ä"}), client=told)
        assert [one.status_code for one in away.history] == [302]
        assert away.json()["headers"]["authorization"].startswith("Basic ")
        assert pages.seen[0].target == "/away?q=%C3%A4"
        cookie = ask(
            kind,
            lambda client: client.get("/give"),
            lambda client: client.get("/page"),
            client=told,
        )
        assert cookie.json()["headers"]["cookie"] == "a=1; b=2"
        assert ask(kind, lambda client: client.get("/packed"), client=told).text == "plain"
        posts: list[tuple[dict[str, Any], str]] = [
            ({"json": {"a": 1}}, '{"a":1}'),
            ({"data": {"a": "1 2"}}, "a=1+2"),
            ({"content": b"bytes"}, "bytes"),
        ]
        for body, seen in posts:
            answer = ask(kind, methodcaller("post", "/", **body), client=told)
            assert answer.json()["body"] == seen
            assert answer.http_version == "HTTP/1.1"
            assert answer.reason_phrase == "OK"
            assert answer.elapsed.total_seconds() > 0


@pytest.mark.parametrize("kind", KINDS)
def test_multipart(kind: str) -> None:
    with Pages() as pages:
        if kind == "sync":
            with httpx.Client(transport=Transport()) as client:
                answer = client.post(pages.url, files={"f": ("n.txt", io.BytesIO(b"within"))})
        else:
            answer = ask(
                kind, lambda client: client.post(pages.url, files={"f": ("n.txt", b"within")})
            )
        assert 'filename="n.txt"' in answer.json()["body"]
        assert "within" in answer.json()["body"]


def test_streams_both_ways() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"one "
        yield b"two"

    with Pages() as pages, httpx.Client(transport=Transport()) as client:
        with client.stream("POST", pages.url, content=chunks()) as answer:
            told = b"".join(answer.iter_raw())
        assert b'"body": "one two"' in told
        assert b'"transfer-encoding": "chunked"' in told
        with client.stream("GET", pages.url) as answer:
            pass  # left unread
        assert client.get(pages.url).status_code == 200


@pytest.mark.parametrize("kind", ["asyncio", "trio"])
def test_async_streams_both_ways(kind: str) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        yield b"one "
        yield b"two"

    async def stream(client: httpx.AsyncClient) -> bytes:
        async with client.stream("POST", pages.url, content=chunks()) as answer:
            return b"".join([chunk async for chunk in answer.aiter_raw()])

    with Pages() as pages:
        assert b'"body": "one two"' in ask(kind, stream)


def test_a_streamed_body_goes_once() -> None:
    def chunks() -> Iterator[bytes]:
        yield b"body"

    with Origin(faults=[Fault("fin")]) as origin:
        url = f"http://127.0.0.1:{origin.port}"
        with (
            httpx.Client(transport=Transport(retries=2)) as client,
            pytest.raises(httpx.RemoteProtocolError, match="can't be read twice"),
        ):
            client.put(url, content=chunks())
        assert origin.stats().requests == 1


def test_many_headers_of_one_name() -> None:
    def page(asked: Asked) -> tuple[int, dict[str, str], bytes]:
        return 200, {"X-A": "1\n2"}, str(asked.headers.get_all("x-b")).encode()

    with Pages(twice=page) as pages, httpx.Client(transport=Transport()) as client:
        answer = client.get(f"{pages.url}/twice", headers=[("X-B", "3"), ("X-B", "4")])
    assert answer.headers.get_list("x-a") == ["1", "2"]
    assert answer.text == "['3', '4']"


def test_upstreams_and_stats() -> None:
    with Origin() as one, Origin() as two:
        both = [f"http://127.0.0.1:{origin.port}" for origin in (one, two)]
        transport = Transport(upstreams={"api": both})
        with httpx.Client(transport=transport) as client:
            for _ in range(4):
                client.get("http://api/x")
            assert transport.stats()["connections"] == 2
        assert (one.stats().requests, two.stats().requests) == (2, 2)


def test_limits_may_be_httpx_s() -> None:
    limits: Any = httpx.Limits(max_connections=1, keepalive_expiry=None)
    with Origin() as origin, httpx.Client(transport=Transport(limits=limits)) as client:
        assert client.get(f"http://127.0.0.1:{origin.port}").status_code == 200
    with pytest.raises(TypeError, match=r"`limits` is a `surehop.Limits`, not `3`"):
        Transport(limits=3)  # type: ignore[arg-type]


def test_what_is_httpx_s_to_be_told() -> None:
    with pytest.raises(TypeError, match=r"no option `headers`\nhint: say it to `httpx.Client`"):
        Transport(headers={})  # type: ignore[call-arg]
    with pytest.raises(TypeError, match=r"no option `colour`$"):
        AsyncTransport(colour="red")  # type: ignore[call-arg]


def test_the_environment_s_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    with Pages() as pages:
        monkeypatch.setenv("HTTP_PROXY", pages.url)
        for name in ("NO_PROXY", "no_proxy", "http_proxy"):
            monkeypatch.delenv(name, raising=False)
        with httpx.Client(transport=Transport()) as client:
            client.get("http://elsewhere.invalid/x")
        assert pages.seen[0].target == "http://elsewhere.invalid/x"
        with (
            httpx.Client(transport=Transport(trust_env=False)) as client,
            pytest.raises(httpx.ConnectError),
        ):
            client.get("http://elsewhere.invalid/x")


def test_a_closed_transport() -> None:
    client = httpx.Client(transport=Transport())
    client.close()
    with pytest.raises(RuntimeError, match="closed"):
        client.get("http://127.0.0.1:1/")
