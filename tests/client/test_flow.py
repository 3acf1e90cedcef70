"""What a request goes through: defaults, auth, redirects, cookies, hooks, interceptors, bodies."""

import gc
import gzip
import io
import logging
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from playing import KINDS, Player, play
from site_pages import Asked, Pages, to

from scripted import Scripted
from surehop import (
    DecodingError,
    DigestAuth,
    HTTPStatusError,
    Limits,
    LocalProtocolError,
    Request,
    Response,
    TooManyRedirects,
    UnsupportedProtocol,
)
from surehop.lab.origins import Origin

pytestmark = pytest.mark.parametrize("kind", KINDS)


def text(body: bytes, **headers: str) -> Any:
    return lambda _: (200, headers, body)


def test_every_verb(kind: str) -> None:
    async def script(player: Player) -> list[Any]:
        told = []
        for verb in ("GET", "OPTIONS", "DELETE", "POST", "PUT", "PATCH", "HEAD"):
            method = getattr(player.client, verb.lower())
            response = method(f"{pages.url}/x")
            response = await response if player.is_async else response
            told.append(response.json()["method"] if response.content else response.status_code)
        return told

    with Pages() as pages:
        assert play(kind, script) == ["GET", "OPTIONS", "DELETE", "POST", "PUT", "PATCH", 200]


def test_defaults_are_merged(kind: str) -> None:
    async def script(player: Player) -> Any:
        return (await player.get("x", params={"b": "2"}, headers={"X-B": "3"})).json()

    with Pages() as pages:
        options: Any = {"params": {"a": "1"}, "headers": {"X-A": "1", "X-B": "2"}}
        told = play(kind, script, base_url=f"{pages.url}/base", **options)
    assert told["target"] == "/base/x?a=1&b=2"
    headers = told["headers"]
    assert (headers["x-a"], headers["x-b"], headers["accept"]) == ("1", "3", "*/*")
    assert headers["user-agent"].startswith("surehop/")


def test_changed_defaults_count_at_once(kind: str) -> None:
    async def script(player: Player) -> list[Any]:
        url = f"{pages.url}/x"
        seen = [(await player.get(url)).json()["headers"].get("x-a")]
        player.client.headers["X-A"] = "1"
        seen.append((await player.get(url)).json()["headers"].get("x-a"))
        player.client.headers = {"X-A": "2"}
        seen.append((await player.get(url)).json()["headers"].get("x-a"))
        player.client.cookies.set("c", "d")
        seen.append((await player.get(url)).json()["headers"].get("cookie"))
        return seen

    with Pages() as pages:
        assert play(kind, script) == [None, "1", "2", "c=d"]


def test_redirects_are_followed_when_asked_for(kind: str) -> None:
    async def script(player: Player) -> tuple[Response, Response]:
        plain = await player.get(f"{pages.url}/a")
        return plain, await player.get(f"{pages.url}/a", follow_redirects=True)

    with Pages(a=to("/b"), b=to("/c", 301), c=text(b"there")) as pages:
        plain, followed = play(kind, script)
    assert plain.status_code == 302
    assert plain.next_request is not None
    assert str(plain.next_request.url) == f"{pages.url}/b"
    assert followed.content == b"there"
    assert [one.status_code for one in followed.history] == [302, 301]
    assert str(followed.url) == f"{pages.url}/c"


def test_a_loop_of_redirects_ends(kind: str) -> None:
    with Pages(a=to("/b"), b=to("/a")) as pages:
        with pytest.raises(TooManyRedirects, match="more than 20 redirects") as failed:
            play(kind, lambda player: player.get(f"{pages.url}/a"), follow_redirects=True)
        assert len(pages.seen) == 21
    assert failed.value.response is not None


def test_a_post_goes_on_as_a_get(kind: str) -> None:
    async def script(player: Player) -> Any:
        response = await player.post(f"{pages.url}/a", json={"x": 1}, follow_redirects=True)
        return response.json()

    with Pages(a=to("/b", 303)) as pages:
        told = play(kind, script)
    assert (told["method"], told["body"], told["headers"].get("content-length")) == (
        "GET",
        "",
        None,
    )


def test_a_body_is_sent_again_where_the_method_stays(kind: str) -> None:
    async def script(player: Player) -> Any:
        body = io.BytesIO(b"from a file")
        return await player.request("PUT", f"{pages.url}/a", content=body, follow_redirects=True)

    with Pages(a=to("/b", 307)) as pages:
        assert play(kind, script).json()["body"] == "from a file"


def test_cookies_are_kept_and_sent(kind: str) -> None:
    async def script(player: Player) -> Any:
        await player.get(f"{pages.url}/set")
        kept = dict(player.client.cookies)
        return kept, (await player.get(f"{pages.url}/x")).json()["headers"]["cookie"]

    with Pages(set=text(b"", **{"Set-Cookie": "a=1; Path=/\nb=2; Path=/"})) as pages:
        assert play(kind, script) == ({"a": "1", "b": "2"}, "a=1; b=2")


def test_cookies_of_a_redirect_go_along(kind: str) -> None:
    with Pages(a=to("/x", 302, **{"Set-Cookie": "seen=yes; Path=/"})) as pages:
        response = play(kind, lambda p: p.get(f"{pages.url}/a"), follow_redirects=True)
    assert response.json()["headers"]["cookie"] == "seen=yes"


def test_auth_by_pair_by_url_and_by_callable(kind: str) -> None:
    def token(request: Request) -> Request:
        request.headers["Authorization"] = "Token t"
        return request

    async def script(player: Player) -> list[Any]:
        urls = (pages.url, pages.url.replace("//", "//me:pass@"), pages.url, pages.url)
        auths: tuple[Any, ...] = ({"auth": ("me", "pass")}, {}, {"auth": token}, {"auth": None})
        return [
            (await player.get(f"{url}/x", **auth)).json()["headers"].get("authorization")
            for url, auth in zip(urls, auths, strict=True)
        ]

    with Pages() as pages:
        basic = "Basic bWU6cGFzcw=="
        assert play(kind, script) == [basic, basic, "Token t", None]


def test_digest(kind: str) -> None:
    def guarded(asked: Asked) -> Any:
        if asked.headers.get("Authorization", "").startswith("Digest "):
            return 200, {}, b"in"
        return 401, {"WWW-Authenticate": 'Digest realm="r", nonce="n", qop="auth"'}, b""

    with Pages(x=guarded) as pages:
        response = play(kind, lambda p: p.get(f"{pages.url}/x", auth=DigestAuth("me", "pass")))
        assert (response.content, len(pages.seen)) == (b"in", 2)
    assert [one.status_code for one in response.history] == [401]


def test_event_hooks(kind: str) -> None:
    seen: list[str] = []

    async def script(player: Player) -> Response:
        player.client.event_hooks = {
            "request": [player.hook(lambda request: seen.append(request.method))],
            "response": [player.hook(lambda response: seen.append(str(response.status_code)))],
        }
        return await player.get(f"{pages.url}/a", follow_redirects=True)

    with Pages(a=to("/b")) as pages:
        play(kind, script)
    assert seen == ["GET", "302", "GET", "200"]


def test_a_hook_may_raise(kind: str) -> None:
    async def script(player: Player) -> None:
        check = player.hook(lambda response: response.raise_for_status())
        player.client.event_hooks["response"].append(check)
        await player.get(f"{pages.url}/missing")

    with Pages(missing=lambda _: (404, {}, b"")) as pages, pytest.raises(HTTPStatusError):
        play(kind, script)


def test_interceptors_see_all_that_is_sent(kind: str) -> None:
    seen: list[str] = []

    async def script(player: Player) -> Any:
        def mark(request: Request) -> Request:
            seen.append("request")
            request.headers["X-Mark"] = "1"
            return request

        def count(response: Response) -> Response:
            seen.append(str(response.status_code))
            return response

        player.client.interceptors.request.use(player.hook(mark))
        number = player.client.interceptors.response.use(player.hook(count))
        told = (await player.get(f"{pages.url}/x")).json()
        player.client.interceptors.response.eject(number)
        await player.post(f"{pages.url}/x")
        return told

    with Pages() as pages:
        assert play(kind, script)["headers"]["x-mark"] == "1"
    assert seen == ["request", "200", "request"]


def test_an_interceptor_ends_an_error(kind: str) -> None:
    async def script(player: Player) -> Response:
        player.client.interceptors.response.use(
            None, player.hook(lambda error: Response(299, request=error.request))
        )
        return await player.get(f"http://127.0.0.1:{origin.port}/")

    with Origin(listen="none") as origin:
        assert play(kind, script).status_code == 299


@pytest.mark.parametrize("size", [0, 5, 300_000])
def test_a_body_is_read_piece_by_piece(kind: str, size: int) -> None:
    async def script(player: Player) -> tuple[int, int]:
        async with player.stream("GET", f"{url}/bytes/{size}") as response:
            assert not response.is_closed
            sizes = [len(piece) async for piece in player.pieces(response)]
        whole = await player.get(f"{url}/chunked/{size}")
        return sum(sizes), len(whole.content)

    with Origin() as origin:
        url = f"http://127.0.0.1:{origin.port}"
        assert play(kind, script) == (size, size)
        assert origin.stats().connections == 1


def test_the_rest_of_a_body_is_given_up(kind: str) -> None:
    async def script(player: Player) -> tuple[int, dict[str, Any]]:
        async with (
            player.stream("GET", f"{url}/bytes/50000000") as response,
            aclosing(player.pieces(response)) as pieces,
        ):
            await anext(pieces)
        status = (await player.get(f"{url}/x")).status_code
        return status, player.client.stats()

    with Origin() as origin:
        url = f"http://127.0.0.1:{origin.port}"
        status, stats = play(kind, script)
    assert status == 200
    assert stats["requests"] == 0


def test_bodies_are_fed(kind: str) -> None:
    async def script(player: Player) -> list[Any]:
        def pieces() -> Any:
            yield b"a" * 100_000
            yield b""
            yield b"b" * 100_000

        async def pieces_async() -> Any:
            for piece in pieces():
                yield piece

        source = pieces_async if player.is_async else pieces
        fed = (await player.post(f"{pages.url}/x", content=source())).json()
        file = io.BytesIO(b"c" * 150_000)
        filed = (await player.post(f"{pages.url}/x", content=file)).json()
        form = (await player.post(f"{pages.url}/x", files={"f": io.BytesIO(b"d")})).json()
        return [fed, filed, form]

    with Pages() as pages:
        fed, filed, form = play(kind, script)
    assert fed["body"] == "a" * 100_000 + "b" * 100_000
    assert fed["headers"]["transfer-encoding"] == "chunked"
    assert filed["body"] == "c" * 150_000
    assert filed["headers"]["content-length"] == "150000"
    assert 'name="f"' in form["body"]


@pytest.mark.parametrize(("length", "told"), [("3", "more bytes"), ("5", "fewer bytes")])
def test_a_body_of_another_length_is_refused(kind: str, length: str, told: str) -> None:
    async def script(player: Player) -> Response:
        headers = {"Content-Length": length}
        return await player.post(f"{pages.url}/x", content=iter([b"1234"]), headers=headers)

    with Pages() as pages, pytest.raises(LocalProtocolError, match=told):
        play(kind, script)


def test_contents_are_decoded(kind: str) -> None:
    async def script(player: Player) -> tuple[bytes, bytes]:
        whole = await player.get(f"{pages.url}/x")
        async with player.stream("GET", f"{pages.url}/x") as response:
            return whole.content, await player.read(response)

    packed = text(gzip.compress(b"hello" * 100), **{"Content-Encoding": "gzip"})
    with Pages(x=packed) as pages:
        assert play(kind, script) == (b"hello" * 100, b"hello" * 100)


def test_a_broken_content_is_an_error(kind: str) -> None:
    with Pages(x=text(b"no gzip", **{"Content-Encoding": "gzip"})) as pages:
        with pytest.raises(DecodingError) as failed:
            play(kind, lambda player: player.get(f"{pages.url}/x"))
        assert failed.value.request.method == "GET"


def test_a_unix_socket(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "origin"
    with Origin(unix=str(path)):
        told = play(kind, lambda player: player.get("http://name/echo"), uds=path).json()
    assert dict(told["headers"])["host"] == "name"


def test_a_host_of_one_s_own(kind: str) -> None:
    async def script(player: Player) -> list[str]:
        own = await player.get(f"{pages.url}/x", headers={"Host": "other"})
        return [
            own.json()["headers"]["host"],
            (await player.get(pages.url)).json()["headers"]["host"],
        ]

    with Pages() as pages:
        assert play(kind, script) == ["other", pages.url.removeprefix("http://")]


@pytest.mark.parametrize("url", ["ftp://a/", "/x", "http:///x", "a.com"])
def test_what_can_not_be_asked(kind: str, url: str) -> None:
    with pytest.raises(UnsupportedProtocol):
        play(kind, lambda player: player.get(url))


def test_a_closed_client_says_so(kind: str) -> None:
    kept: list[Player] = []

    async def script(player: Player) -> None:
        kept.append(player)

    play(kind, script)

    async def again(_: Player) -> Response:
        return await kept[0].get("http://a/")

    assert kept[0].client.is_closed
    with pytest.raises(RuntimeError, match="has been closed"):
        play(kind, again)


def test_the_log_has_no_secrets(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    async def script(player: Player) -> None:
        await player.get(f"{pages.url}/x?token=secret")
        await player.get(f"{pages.url}/y?token=secret", auth=("me", "secret"))

    with Pages() as pages, caplog.at_level(logging.INFO, logger="surehop"):
        play(kind, script)
    assert caplog.messages == [
        f"GET {pages.url}/x HTTP/1.1 200",
        f"GET {pages.url}/y HTTP/1.1 200",
    ]


def test_many_at_once(kind: str) -> None:
    async def script(player: Player) -> tuple[list[Any], dict[str, Any]]:
        found = await player.together([lambda: player.get(f"{url}/x")] * 60)
        return [getattr(one, "status_code", one) for one in found], player.client.stats()

    with Origin(delay=0.01) as origin:
        url = f"http://127.0.0.1:{origin.port}"
        statuses, stats = play(kind, script, limits=Limits(max_connections=10))
        assert origin.stats().connections == 10
    assert statuses == [200] * 60
    assert (stats["requests"], stats["connections"]) == (0, 10)


def test_nothing_comes_after_connection_close(kind: str) -> None:
    """Even where the server would go on."""

    async def script(player: Player) -> None:
        for _ in range(3):
            await player.get(url, headers={"Connection": "close"})
        player.client.headers["Connection"] = "close"
        for _ in range(3):
            await player.get(url)

    with Scripted() as origin:
        url = f"http://127.0.0.1:{origin.port}"
        play(kind, script)
        assert len({one.connection for one in origin.take()}) == 6


def test_a_streamed_answer_that_is_dropped_holds_no_connection(kind: str) -> None:
    async def script(player: Player) -> int:
        for _ in range(3):
            response = await player.send(player.client.build_request("GET", url), stream=True)
            assert response.status_code == 200
            del response
            gc.collect()
        return len((await player.get(url)).content)

    with Origin(body=5_000_000) as origin:
        url = f"http://127.0.0.1:{origin.port}"
        limits = Limits(max_connections=1)
        assert play(kind, script, limits=limits) == 5_000_000
