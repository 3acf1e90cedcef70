"""Retries against servers that fail: how often, after what wait, and who is asked."""

import math
import time
from typing import Any

import pytest
from playing import KINDS, Player, play
from site_pages import Asked, Pages

from surehop import (
    ConnectError,
    ConnectionClosed,
    HTTPError,
    HTTPStatusError,
    ReadTimeout,
    Request,
    Response,
    Retry,
    TotalTimeout,
    Upstream,
)
from surehop.lab.origins import Fault, Origin
from surehop.retry import FullJitter, linear_delay, no_delay

pytestmark = pytest.mark.parametrize("kind", KINDS)
QUICK = FullJitter(0.001, 0.002)


def busy(times: int, status: int = 503, **headers: str) -> Any:
    left = [times]

    def page(_: Asked) -> Any:
        left[0] -= 1
        return (status, headers, b"busy") if left[0] >= 0 else (200, {}, b"done")

    return page


def test_a_number_is_enough(kind: str) -> None:
    with Origin(faults=[Fault("rst", times=3)]) as origin:
        url = f"http://127.0.0.1:{origin.port}/x"
        assert play(kind, lambda player: player.get(url), retries=3).status_code == 200
        assert origin.stats().requests == 4


@pytest.mark.parametrize(
    ("method", "status", "asked"),
    [("GET", 503, 3), ("PUT", 500, 3), ("GET", 429, 3), ("GET", 404, 1), ("POST", 503, 1)],
)
def test_statuses_by_default(kind: str, method: str, status: int, asked: int) -> None:
    async def script(player: Player) -> Response:
        return await player.request(method, f"{pages.url}/x")

    with Pages(x=busy(2, status)) as pages:
        response = play(kind, script, retry=Retry(delay=QUICK))
        assert len(pages.seen) == asked
    assert response.status_code == (200 if asked == 3 else status)


def test_the_last_answer_comes_when_nothing_helps(kind: str) -> None:
    with Pages(x=busy(9)) as pages:
        response = play(kind, lambda p: p.get(f"{pages.url}/x"), retry=Retry(2, delay=QUICK))
        assert (response.status_code, response.content, len(pages.seen)) == (503, b"busy", 3)


def test_it_is_turned_off_or_on_for_one_request(kind: str) -> None:
    async def script(player: Player) -> tuple[int, int]:
        off = await player.get(f"{pages.url}/x", retry=None)
        return off.status_code, (await player.get(f"{pages.url}/x", retry=2)).status_code

    with Pages(x=busy(2)) as pages:
        assert play(kind, script, retries=5) == (503, 200)


@pytest.mark.parametrize(
    ("retry", "delivered"),
    [
        (Retry(delay=QUICK), 1),
        (Retry(delay=QUICK, non_idempotent=True), 4),
        (Retry(delay=QUICK, idempotency_key=True), 4),
        (Retry(delay=QUICK, when=lambda _: True), 1),
    ],
    ids=["default", "non_idempotent", "keyed", "when"],
)
def test_a_post_that_was_sent(kind: str, retry: Retry, delivered: int) -> None:
    with Origin(faults=[Fault("fin", times=3)]) as origin:
        url = f"http://127.0.0.1:{origin.port}/x"
        if delivered == 1:
            with pytest.raises(ConnectionClosed):
                play(kind, lambda player: player.post(url), retry=retry)
        else:
            assert play(kind, lambda p: p.post(url), retry=retry).status_code == 200
        assert origin.stats().requests == delivered


def test_a_key_is_made_once(kind: str) -> None:
    with Pages(x=busy(2)) as pages:
        retry = Retry(delay=QUICK, idempotency_key=True, when=lambda _: True)
        play(kind, lambda player: player.post(f"{pages.url}/x"), retry=retry)
        keys = [asked.headers["Idempotency-Key"] for asked in pages.seen]
    assert len(keys) == 3
    assert len(set(keys)) == 1


def test_a_post_that_never_left_goes_again(kind: str) -> None:
    calls: list[int] = []

    async def script(player: Player) -> Response:
        def back(count: int, error: HTTPError, request: Request) -> None:
            calls.append(count)
            assert (error.code, request.method) == ("ECONNREFUSED", "POST")
            if count == 2:
                origin.set(listen="ipv4")

        return await player.post(url, retry=Retry(delay=QUICK, on_retry=player.hook(back)))

    with Origin(listen="none") as origin:
        url = f"http://127.0.0.1:{origin.port}/x"
        assert play(kind, script).status_code == 200
    assert calls == [1, 2]


def test_callables_are_asked(kind: str) -> None:
    seen: list[Any] = []

    async def script(player: Player) -> Response:
        def when(error: HTTPError) -> bool:
            assert error.response is not None
            seen.append(("when", error.response.status_code))
            return True

        def delay(count: int, error: HTTPError) -> float:
            seen.append(("delay", count))
            return 0

        retry = Retry(
            2,
            when=player.hook(when),
            delay=player.hook(delay),
            on_retry=player.hook(lambda count, *_: seen.append(("retry", count))),
            on_exhausted=player.hook(lambda error, count: seen.append((error.code, count))),
        )
        return await player.get(f"{pages.url}/x", retry=retry)

    with Pages(x=busy(9, 404)) as pages:
        assert play(kind, script).status_code == 404
    once = [("when", 404), ("delay", 1), ("retry", 1)]
    assert seen == [*once, ("when", 404), ("delay", 2), ("retry", 2), ("ERR_BAD_REQUEST", 2)]


@pytest.mark.parametrize(
    ("named", "told"),
    [
        ({"when": lambda _: None}, "returned `None`, but a bool is needed"),
        ({"delay": lambda *_: "1"}, "returned `'1'`, but a number of seconds"),
        ({"validate": lambda _: 1}, "returned `1`, but a bool is needed"),
    ],
)
def test_another_type_is_named(kind: str, named: dict[str, Any], told: str) -> None:
    with Pages(x=busy(9)) as pages, pytest.raises(TypeError, match=told) as failed:
        play(kind, lambda player: player.get(f"{pages.url}/x"), retry=Retry(2, **named))
    assert "<lambda>" in str(failed.value)


@pytest.mark.parametrize("wait", [math.nan, math.inf])
def test_a_wait_that_is_no_time_is_named(kind: str, wait: float) -> None:
    retry = Retry(2, delay=lambda *_: wait)
    with Pages(x=busy(9)) as pages, pytest.raises(ValueError, match=f"returned `{wait}`") as failed:
        play(kind, lambda player: player.get(f"{pages.url}/x"), retry=retry)
    assert "<lambda>" in str(failed.value)


def test_validate_says_what_is_an_answer(kind: str) -> None:
    async def script(player: Player) -> Response:
        valid = player.hook(lambda response: response.content == b"done")
        retry = Retry(3, when=lambda _: True, delay=no_delay, validate=valid)
        return await player.get(f"{pages.url}/x", retry=retry)

    with Pages(x=busy(2, 200)) as pages:
        assert play(kind, script).content == b"done"
        assert len(pages.seen) == 3
    with Pages(x=busy(9, 200)) as pages, pytest.raises(HTTPStatusError) as failed:
        play(kind, script)
    assert failed.value.response.content == b"busy"


def test_retry_after_is_waited_for(kind: str) -> None:
    with Pages(x=busy(1, 503, **{"Retry-After": "1"})) as pages:
        begun = time.monotonic()
        assert play(kind, lambda p: p.get(f"{pages.url}/x"), retries=1).status_code == 200
        assert time.monotonic() - begun > 0.9


@pytest.mark.parametrize("retry", [Retry(1), Retry(1, delay=linear_delay(0.001))])
def test_a_retry_after_that_is_too_long_ends_it(kind: str, retry: Retry) -> None:
    with Pages(x=busy(1, 503, **{"Retry-After": "3600"})) as pages:
        assert play(kind, lambda p: p.get(f"{pages.url}/x"), retry=retry).status_code == 503
        assert len(pages.seen) == 1


@pytest.mark.parametrize("budget", [True, False])
def test_a_budget_bounds_retries_unless_there_is_none(kind: str, budget: bool) -> None:
    with Origin(status=503) as origin:
        url = f"http://127.0.0.1:{origin.port}/x"
        retry = Retry(300, delay=QUICK, budget=budget)
        assert play(kind, lambda player: player.get(url), retry=retry).status_code == 503
        # The reserve is a hundred, and fills by ten a second while this goes on.
        asked = origin.stats().requests
        assert 100 < asked < 301 if budget else asked == 301


def test_the_total_bounds_everything(kind: str) -> None:
    with Origin(faults=[Fault("hang")]) as origin:
        url = f"http://127.0.0.1:{origin.port}/x"
        retry = Retry(50, per_try=0.1, total=0.5, delay=QUICK)
        begun = time.monotonic()
        with pytest.raises((TotalTimeout, ReadTimeout)) as failed:
            play(kind, lambda player: player.get(url), retry=retry)
        assert time.monotonic() - begun < 3
        assert 1 < origin.stats().requests < 10
    assert failed.value.code in ("ECONNABORTED", "ETIMEDOUT")


@pytest.mark.parametrize(
    "fault",
    [Fault("hang", times=1), Fault("slow_body", seconds=60.0, times=1)],
    ids=["head", "body"],
)
def test_a_time_out_of_one_try_is_retried(kind: str, fault: Fault) -> None:
    with Origin(faults=[fault]) as origin:
        url = f"http://127.0.0.1:{origin.port}/x"
        retry = Retry(1, per_try=0.3, delay=QUICK)
        assert play(kind, lambda player: player.get(url), retry=retry).status_code == 200


def test_a_read_time_out_is_not(kind: str) -> None:
    with Origin(faults=[Fault("hang")]) as origin:
        url = f"http://127.0.0.1:{origin.port}/x"
        with pytest.raises(ReadTimeout):
            play(kind, lambda player: player.get(url), retries=3, timeout=0.2)
        assert origin.stats().requests == 1


def test_a_stream_that_is_gone_is_not_sent_again(kind: str) -> None:
    async def script(player: Player) -> Response:
        return await player.request("PUT", url, content=iter([b"once"]))

    with Origin(faults=[Fault("fin")]) as origin:
        url = f"http://127.0.0.1:{origin.port}/x"
        with pytest.raises(ConnectionClosed, match="its body can't be read twice") as failed:
            play(kind, script, retries=3)
        assert origin.stats().requests == 1
    assert "that can seek" in str(failed.value)


def test_a_body_is_fed_again_from_its_beginning(kind: str) -> None:
    with (
        Pages(x=lambda asked: (200, {}, asked.body)) as pages,
        Origin(faults=[Fault("fin", times=2)]) as origin,
    ):
        url = f"http://127.0.0.1:{origin.port}/echo"
        body = [b"a" * 70_000, b"b" * 70_000]
        response = play(
            kind, lambda p: p.request("PUT", url, content=body), retry=Retry(delay=QUICK)
        )
        assert response.json()["body"]["length"] == 140_000
        assert origin.stats().requests == 3
        assert pages.seen == []


def test_an_upstream_s_other_server_answers(kind: str) -> None:
    with Origin(listen="none") as dead, Origin() as alive:
        urls = [f"http://127.0.0.1:{origin.port}" for origin in (dead, alive)]
        upstreams = {"api": Upstream(urls)}

        async def script(player: Player) -> list[Any]:
            got = [await player.get("http://api/echo") for _ in range(6)]
            return [dict(response.json()["headers"])["host"] for response in got]

        assert play(kind, script, upstreams=upstreams) == [f"127.0.0.1:{alive.port}"] * 6
        assert alive.stats().requests == 6


def test_no_server_of_an_upstream_answers(kind: str) -> None:
    with Origin(listen="none") as one, Origin(listen="none") as other:
        urls = [f"http://127.0.0.1:{origin.port}" for origin in (one, other)]
        with pytest.raises(ConnectError) as failed:
            play(kind, lambda p: p.get("http://api/x"), upstreams={"api": Upstream(urls)})
    assert [attempt.reason for attempt in failed.value.attempts] == ["refused", "refused"]
