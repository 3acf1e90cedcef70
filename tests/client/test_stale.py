"""Connections that die: what is sent again, what is not, and what the error says."""

import socket
from typing import Any

import pytest
from playing import KINDS, Player, play

from surehop import ConnectionClosed, ConnectTimeout, HTTPError, ReadTimeout, RemoteProtocolError
from surehop.lab.origins import Fault, Origin

pytestmark = pytest.mark.parametrize("kind", KINDS)


@pytest.mark.parametrize("close", ["fin", "rst"])
@pytest.mark.parametrize(
    ("method", "headers", "delivered"),
    [("GET", {}, 2), ("PUT", {}, 2), ("POST", {}, 1), ("POST", {"Idempotency-Key": "k"}, 2)],
)
def test_a_reused_connection_dies(
    kind: str, close: str, method: str, headers: dict[str, str], delivered: int
) -> None:
    async def script(player: Player) -> Any:
        await player.get(f"{url}/first")
        return await player.request(method, f"{url}/x", headers=headers)

    with Origin(faults=[Fault(close, nth=2)]) as origin:
        url = f"http://127.0.0.1:{origin.port}"
        if delivered == 2:
            assert play(kind, script).status_code == 200
        else:
            with pytest.raises(ConnectionClosed) as failed:
                play(kind, script)
            evidence = failed.value.evidence
            assert evidence is not None
            assert evidence.reused is True
            assert evidence.closed == {"fin": "FIN", "rst": "RST"}[close]
            assert failed.value.code == "ECONNRESET"
            assert failed.value.response is None
            assert "not sent again, since a POST may have been done" in str(failed.value)
        assert origin.stats().paths["/x"] == delivered


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("close", ["fin", "rst"])
def test_a_fresh_connection_without_reply_is_an_error(kind: str, close: str, method: str) -> None:
    with Origin(faults=[Fault(close)]) as origin:
        url = f"http://127.0.0.1:{origin.port}/x"
        with pytest.raises(ConnectionClosed) as failed:
            play(kind, lambda player: player.request(method, url))
        assert origin.stats().requests == 1
    error = failed.value
    assert error.evidence is not None
    assert (error.evidence.reused, error.evidence.requests, len(error.attempts)) == (False, 0, 1)
    assert str(error.request.url) == url


@pytest.mark.parametrize(
    ("fault", "error", "code"),
    [
        ("half_head", ConnectionClosed, "ECONNRESET"),
        ("half_body", ConnectionClosed, "ECONNRESET"),
        ("garbage", RemoteProtocolError, "HPE_INVALID_CONSTANT"),
        ("hang", ReadTimeout, "ECONNABORTED"),
    ],
)
def test_what_is_no_answer(kind: str, fault: str, error: type[HTTPError], code: str) -> None:
    with Origin(faults=[Fault(fault)]) as origin:
        url = f"http://127.0.0.1:{origin.port}/x"
        with pytest.raises(error) as failed:
            play(kind, lambda player: player.get(url), timeout=0.3)
        assert failed.value.code == code
        assert origin.stats().requests == 1


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_an_answer_that_breaks_off_is_retried_before_anybody_has_seen_it(
    kind: str, method: str
) -> None:
    async def script(player: Player) -> Any:
        return await player.request(method, url, retry=3)

    with Origin(faults=[Fault("half_body", times=2)]) as origin:
        url = f"http://127.0.0.1:{origin.port}/x"
        if method == "GET":
            response = play(kind, script)
            assert (response.status_code, len(response.content)) == (200, 3)
            assert origin.stats().requests == 3
        else:
            with pytest.raises(ConnectionClosed, match="a POST may have been done"):
                play(kind, script)
            assert origin.stats().requests == 1


def test_the_server_s_word_about_its_time_out_is_kept(kind: str) -> None:
    async def script(player: Player) -> list[int]:
        calls = [lambda: player.get(url) for _ in range(10)]
        first = await player.together(calls)
        await player.pause(1.6)
        return [response.status_code for response in first + await player.together(calls)]

    with Origin(keepalive_timeout=1.0, delay=0.1) as origin:
        url = f"http://127.0.0.1:{origin.port}/x"
        assert play(kind, script) == [200] * 20
        assert origin.stats().connections == 20
        assert origin.stats().requests == 20


def test_nobody_listens(kind: str) -> None:
    with Origin(listen="none") as origin:
        url = f"http://127.0.0.1:{origin.port}/x"
        with pytest.raises(HTTPError) as failed:
            play(kind, lambda player: player.get(url))
    assert failed.value.code == "ECONNREFUSED"
    (address,) = failed.value.evidence.addresses  # type: ignore[union-attr]
    assert (address.address, address.result) == (f"127.0.0.1:{origin.port}", "refused")
    assert f"127.0.0.1:{origin.port} refused" in str(failed.value)


def test_a_name_that_is_none(kind: str) -> None:
    with pytest.raises(HTTPError) as failed:
        play(kind, lambda player: player.get("http://nobody.invalid/"))
    assert failed.value.code in ("ENOTFOUND", "EAI_AGAIN")
    assert failed.value.phase == "resolve"


def test_both_families_of_a_name_are_tried(kind: str) -> None:
    with Origin(listen="ipv4") as origin:
        url = f"http://localhost:{origin.port}/x"
        assert play(kind, lambda player: player.get(url)).status_code == 200


def test_no_connection_in_time(kind: str) -> None:
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        try:
            for one in waiting:  # its backlog is full then, and more connects stay unanswered
                one.setblocking(False)
                one.connect_ex(full.getsockname())
            url = f"http://127.0.0.1:{full.getsockname()[1]}/"
            with pytest.raises(ConnectTimeout) as failed:
                play(kind, lambda player: player.get(url), timeout=0.3)
        finally:
            for one in waiting:
                one.close()
    assert (failed.value.code, failed.value.phase) == ("ETIMEDOUT", "connect")
