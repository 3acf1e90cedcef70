"""What goes wrong only for who asks for it: odd headers, many hosts, closing at the wrong time."""

import asyncio
import signal
from collections.abc import Iterator
from typing import Any

import pytest
import trio

from scripted import Scripted
from surehop import (
    URL,
    AsyncClient,
    Client,
    CloseError,
    ConnectionClosed,
    DecodingError,
    LocalProtocolError,
    ProxyError,
    Retry,
    Timeout,
    Upstream,
)
from surehop.client import routes
from surehop.client.environment import read_proxies

HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\nok"


def pieces() -> Iterator[bytes]:
    yield b"abc"


def test_a_clients_own_header_frames_no_request_that_has_no_body() -> None:
    with (
        Scripted() as origin,
        Client(headers={"Transfer-Encoding": "chunked"}, timeout=5) as client,
    ):
        for _ in range(2):
            assert client.get(f"http://127.0.0.1:{origin.port}/").status_code == 200
        told = origin.take()
    assert [one.header("transfer-encoding") for one in told] == [[], []]


@pytest.mark.parametrize("said", ["+3", "0_3", "-0", "3, 3", "0x3", ""])
def test_a_length_that_others_may_read_otherwise_is_not_sent(said: str) -> None:
    with Scripted() as origin, Client() as client:
        url = f"http://127.0.0.1:{origin.port}/"
        with pytest.raises(LocalProtocolError):
            client.post(url, content=pieces(), headers={"Content-Length": said})
        with pytest.raises(LocalProtocolError):
            client.post(url, content=b"abc", headers={"Content-Length": said})
        assert client.get(url).status_code == 200
        assert len(origin.take()) == 1


def test_one_host_line_at_most() -> None:
    with Scripted() as origin, Client() as client:
        url = f"http://127.0.0.1:{origin.port}/"
        for method in ("GET", "POST"):
            with pytest.raises(LocalProtocolError, match="more than one `Host`"):
                client.request(method, url, headers=[("Host", "a"), ("host", "b")])
        assert client.get(url, headers={"Host": "a"}).status_code == 200
        assert [one.header("host") for one in origin.take()] == [["a"]]


def test_an_empty_key_lets_no_post_go_twice() -> None:
    with Scripted() as origin, Client() as client:
        url = f"http://127.0.0.1:{origin.port}/"
        client.get(url)
        origin.play("fin")
        with pytest.raises(ConnectionClosed):
            client.post(url, headers={"Idempotency-Key": ""})
        assert [one.line.split()[0] for one in origin.take()] == ["GET", "POST"]


def test_an_empty_key_is_replaced() -> None:
    retry = Retry(idempotency_key=True)
    with Scripted() as origin, Client(retry=retry) as client:
        client.post(f"http://127.0.0.1:{origin.port}/", headers={"Idempotency-Key": ""})
        (key,) = origin.take()[0].header("idempotency-key")
    assert len(key) == 36


def test_a_host_that_was_forgotten_is_found_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "_MOST_TARGETS", 2)
    monkeypatch.setattr(routes, "_FADING", 1)
    with Scripted() as one, Scripted() as two, Scripted() as three, Scripted() as four:
        urls = [f"http://127.0.0.1:{origin.port}/" for origin in (one, two, three, four)]
        with Client() as client:
            for url in urls * 3:
                assert client.get(url).status_code == 200
            # None but those of the targets that are known, or were a moment ago.
            assert client.stats()["connections"] <= 3


@pytest.mark.parametrize("run", [asyncio.run, trio.run], ids=["asyncio", "trio"])
def test_what_is_read_after_closing_says_so(run: Any) -> None:
    async def main() -> None:
        client = AsyncClient()
        request = client.build_request("GET", f"http://127.0.0.1:{origin.port}/")
        response = await client.send(request, stream=True)
        await client.aclose()
        with pytest.raises(CloseError):
            await response.aread()

    with Scripted() as origin:
        origin.play(HALF, "hang")
        _run(run, main)


@pytest.mark.parametrize("run", [asyncio.run, trio.run], ids=["asyncio", "trio"])
def test_a_client_closed_while_a_callable_decides(run: Any) -> None:
    async def main() -> None:
        async def when(_: object) -> bool:
            await client.aclose()
            return True

        client = AsyncClient(retry=Retry(when=when))
        with pytest.raises(CloseError):
            await client.get(f"http://127.0.0.1:{origin.port}/")

    with Scripted() as origin:
        origin.play(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n")
        _run(run, main)


def _run(run: Any, main: Any) -> None:
    run(main) if run is trio.run else run(asyncio.wait_for(main(), 10))


def test_whatever_a_signal_raises_gives_the_request_up() -> None:
    def ring(*_: object) -> None:
        raise RuntimeError("enough")

    with Scripted() as origin, Client(timeout=None) as client:
        origin.play("hang")
        before = signal.signal(signal.SIGALRM, ring)
        try:
            signal.setitimer(signal.ITIMER_REAL, 0.1)
            with pytest.raises(RuntimeError, match="enough"):
                client.get(f"http://127.0.0.1:{origin.port}/")
        finally:
            signal.signal(signal.SIGALRM, before)
        assert client.stats()["requests"] == 0
        origin.wait_closed()


def test_a_tunnel_to_an_ipv6_address() -> None:
    refusal = b"HTTP/1.1 403 No\r\nContent-Length: 0\r\n\r\n"
    with Scripted() as proxy, Client(proxy=f"http://127.0.0.1:{proxy.port}") as client:
        proxy.play(refusal)
        with pytest.raises(ProxyError):
            client.get("https://[::1]:8443/")
        (asked,) = proxy.take()
    assert asked.line == "CONNECT [::1]:8443 HTTP/1.1"
    assert asked.header("host") == ["[::1]:8443"]


def test_a_user_in_the_url_is_no_part_of_a_cookies_host() -> None:
    with Scripted() as origin, Client() as client:
        origin.play(b"HTTP/1.1 200 OK\r\nSet-Cookie: a=b\r\nContent-Length: 0\r\n\r\n")
        client.get(f"http://user:hunter2@127.0.0.1:{origin.port}/")
        client.get(f"http://127.0.0.1:{origin.port}/")
        assert origin.take()[1].header("cookie") == ["a=b"]
        assert "hunter2" not in repr(client.cookies)


def test_a_body_packed_again_and_again_is_refused() -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Encoding: %b\r\nContent-Length: 2\r\n\r\nok"
    with Scripted() as origin, Client() as client:
        origin.play(answer % b", ".join([b"gzip"] * 6))
        with pytest.raises(DecodingError, match="6 codings"):
            client.get(f"http://127.0.0.1:{origin.port}/")


@pytest.mark.parametrize(
    ("told", "url"),
    [
        ("fd00::/8", "http://[fd00::]/"),
        ("[::1]", "http://[::1]/"),
        ("[fd00::]/8", "http://[fd00::]/"),
    ],
)
def test_networks_and_brackets_in_no_proxy(
    told: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", told)
    monkeypatch.setenv("HTTP_PROXY", "http://p:1")
    (pattern,) = [key for key, proxy in read_proxies().items() if proxy is None]
    assert URL(pattern).host == URL(url).host


def test_errors_about_options_tell_no_secret() -> None:
    auth: Any = ("user", "hunter2", "more")
    with pytest.raises(TypeError) as failed:
        Client(auth=auth)
    assert "hunter2" not in str(failed.value)
    with pytest.raises(ValueError, match="HOST:PORT") as refused:
        Upstream(["ftp://user:hunter2@a"])
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("seconds", [1e17, 1e30, 1.7e308])
def test_a_time_beyond_all_measure_is_none(seconds: float) -> None:
    with Scripted() as origin, Client(timeout=Timeout(seconds, total=seconds)) as client:
        assert client.get(f"http://127.0.0.1:{origin.port}/").status_code == 200
