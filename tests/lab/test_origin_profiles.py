"""Profiles: each keeps connections, and says so, as its server does."""

import resource
import select
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import pytest

from raw import GET, Raw, get
from surehop.lab.origins import Behaviour, Origin, OriginProcess
from surehop.lab.origins.profiles import PROFILES
from waiting import eventually

NODES = ["node18", "node20", "node26"]
ORDERS = {
    "node20": ["content-type", "date", "connection", "keep-alive", "content-length"],
    "uvicorn": ["date", "server", "content-type", "content-length"],
    "gunicorn": ["server", "date", "connection", "content-type", "content-length"],
    "unicorn": ["date", "connection", "content-type", "content-length"],
    "nginx": ["server", "date", "content-type", "content-length", "connection"],
}


@pytest.mark.parametrize("profile", list(PROFILES))
def test_a_profile_answers_and_its_knobs_are_knobs(profile: str) -> None:
    behaviour = Behaviour().changed({"profile": profile, "status": 201})
    assert behaviour.profile == profile
    for name, value in PROFILES[profile].knobs.items():
        assert getattr(behaviour, name) == value
    with Origin(profile=profile, status=201) as origin, Raw(origin.port) as raw:
        assert raw.answer()[0] == 201


@pytest.mark.parametrize("profile", list(ORDERS))
def test_heads_are_ordered_as_the_server_does(profile: str) -> None:
    with Origin(profile=profile) as origin, Raw(origin.port) as raw:
        assert list(raw.answer()[1]) == ORDERS[profile]


def test_a_profile_sets_all_anew() -> None:
    assert Behaviour(delay=3.0).changed({"profile": "node18"}).delay == 0


def closes_after(raw: Raw) -> tuple[str, float]:
    before = time.monotonic()
    return raw.end(10), time.monotonic() - before


def test_node18_closes_when_it_says_and_node20_a_second_later() -> None:
    with Origin(profile="node18", keepalive_timeout=0.2) as old, Raw(old.port) as raw:
        assert raw.answer()[1]["keep-alive"] == "timeout=0"
        end, took = closes_after(raw)
        assert end == "fin"
        assert 0.15 < took < 0.9
    with Origin(profile="node20", keepalive_timeout=0.2) as new, Raw(new.port) as raw:
        assert raw.answer()[1]["keep-alive"] == "timeout=0"
        end, took = closes_after(raw)
        assert end == "fin"
        assert 1.1 < took < 3


@pytest.mark.parametrize("profile", NODES)
def test_node_says_whole_seconds(profile: str) -> None:
    with Origin(profile=profile, keepalive_timeout=1.5) as origin, Raw(origin.port) as raw:
        assert raw.answer()[1]["keep-alive"] == "timeout=1"


def test_node_answers_503_behind_its_last_request() -> None:
    with Origin(profile="node20", max_requests=3) as origin, Raw(origin.port) as raw:
        told = [raw.answer()[1] for _ in range(3)]
        assert [h.get("keep-alive") for h in told] == ["timeout=5, max=3"] * 2 + [None]
        assert [h["connection"] for h in told] == ["keep-alive", "keep-alive", "close"]
        assert raw.end(0.05) == "open"
        for _ in range(2):
            status, headers = raw.send(GET).head()
            assert (status, headers["transfer-encoding"]) == (503, "chunked")
            assert raw.until(b"0\r\n\r\n") == b"0\r\n\r\n"


def test_node_refuses_in_few_words() -> None:
    with Origin(profile="node20") as origin, Raw(origin.port) as raw:
        assert raw.send(b"BAD\r\n\r\n").rest() == (
            b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"
        )


def test_nginx_ends_a_connection_behind_its_last_request() -> None:
    with Origin(profile="nginx", max_requests=2) as origin, Raw(origin.port) as raw:
        assert raw.answer()[1]["connection"] == "keep-alive"
        assert raw.answer()[1]["connection"] == "close"
        assert raw.end() == "fin"


@pytest.mark.parametrize("profile", ["unicorn", "gunicorn", "nginx", "uvicorn"])
def test_without_keep_alive_each_answer_is_the_last(profile: str) -> None:
    with Origin(profile=profile, keepalive_timeout=0) as origin, Raw(origin.port) as raw:
        assert raw.answer()[1]["connection"] == "close"
        assert raw.end() == "fin"


def test_node_without_a_time_out_never_closes() -> None:
    with Origin(profile="node20", keepalive_timeout=0) as origin, Raw(origin.port) as raw:
        assert "keep-alive" not in raw.answer()[1]
        assert raw.end(0.1) == "open"


@contextmanager
def waiting_client(origin: Origin) -> Iterator[Raw]:
    """Somebody whose request is under way."""
    with Raw(origin.port) as busy:
        busy.send(get("/slow?ms=150"))
        eventually(lambda: origin.stats().paths.get("/slow", 0) == 1)
        yield busy


@pytest.mark.parametrize("profile", ["node18", "node20", "nginx"])
def test_too_many_are_closed(profile: str) -> None:
    with (
        Origin(profile=profile, max_connections=1) as origin,
        waiting_client(origin),
        Raw(origin.port) as second,
    ):
        assert second.end() == "fin"


def test_too_many_are_answered_503_by_uvicorn() -> None:
    with Origin(profile="uvicorn", max_connections=2) as origin, waiting_client(origin) as busy:
        with Raw(origin.port) as second:
            status, headers, body = second.answer()
            assert (status, headers["connection"], body) == (503, "close", b"Service Unavailable")
            assert second.end() == "fin"
        eventually(lambda: origin.stats().open == 1)
        assert busy.answer(b"")[0] == 200


def test_too_many_wait_for_unicorn() -> None:
    with (
        Origin(profile="unicorn") as origin,
        waiting_client(origin) as busy,
        Raw(origin.port) as second,
    ):
        assert second.send(GET).end(0.03) == "open"
        assert origin.stats().connections == 1
        assert busy.answer(b"")[0] == 200
        busy.close()
        assert second.answer(b"")[0] == 200


def test_all_can_be_turned_away(origin: Origin) -> None:
    origin.set(turn_away=True)
    with Raw(origin.port) as raw:
        assert raw.end() == "fin"
    assert origin.stats().turned_away == 1


@pytest.mark.parametrize("sent", [b"", b"GET / HT", b"PUT / HTTP/1.1\r\nHost: o\r\n"])
def test_a_head_that_does_not_come_gets_408(sent: bytes) -> None:
    knobs: dict[str, Any] = {"profile": "node20", "head_timeout": 0.05, "check_interval": 0}
    with Origin(**knobs) as origin, Raw(origin.port) as raw:
        assert raw.send(sent).rest() == (
            b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"
        )


def test_a_body_that_does_not_come_gets_408() -> None:
    put = b"PUT / HTTP/1.1\r\nHost: o\r\nContent-Length: 9\r\n\r\n"
    knobs: dict[str, Any] = {"profile": "node20", "request_timeout": 0.05, "check_interval": 0}
    with Origin(**knobs) as origin, Raw(origin.port) as raw:
        assert raw.send(put).head()[0] == 408


def test_time_outs_are_looked_at_now_and_then() -> None:
    before = time.monotonic()
    with Origin(profile="node20", head_timeout=0.02, check_interval=0.3) as origin:
        with Raw(origin.port) as raw:
            assert raw.rest().startswith(b"HTTP/1.1 408 ")
        assert time.monotonic() - before >= 0.3


def test_idle_jitter_moves_the_end_to_both_sides() -> None:
    with Origin(keepalive_timeout=0.3, idle_jitter=0.25) as origin, ExitStack() as stack:
        raws = [stack.enter_context(Raw(origin.port)) for _ in range(12)]
        for raw in raws:
            raw.answer()
        select.select([raw._sock for raw in raws], [], [], 5)
        first = time.monotonic()
        assert [raw.end() for raw in raws] == ["fin"] * 12
        assert time.monotonic() - first > 0.05


def test_gunicorn_looks_for_idle_connections_once_a_second() -> None:
    ends = []
    with Origin(profile="gunicorn", keepalive_timeout=0.01) as origin:
        for _ in range(2):
            with Raw(origin.port) as raw:
                raw.answer()
                assert raw.end() == "fin"
                ends.append(time.monotonic())
    assert ends[1] - ends[0] > 0.2


def test_a_request_that_comes_in_time_is_answered_by_who_looks_too_late() -> None:
    busy = threading.Event()

    def work() -> None:
        busy.set()
        time.sleep(1.1)

    with Origin(keepalive_timeout=1) as origin, Raw(origin.port) as raw:
        raw.answer()
        origin._loop.call_soon_threadsafe(work)
        busy.wait()
        assert raw.send(GET).head()[0] == 200


def test_what_can_not_begin_a_request_is_refused_before_its_end(origin: Origin) -> None:
    hello = bytes.fromhex("16030100a5010000a10303")
    with Raw(origin.port) as raw:
        assert raw.send(hello).head()[0] == 400


def test_another_host_on_request() -> None:
    with OriginProcess(arguments=["--host", "127.0.0.2"]) as origin:
        assert origin.addresses == [f"127.0.0.2:{origin.port}"]
        with Raw(origin.port, "127.0.0.2") as raw:
            assert raw.answer()[0] == 200


@pytest.fixture
def descriptors() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 4096), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_thousand_connections(descriptors: None) -> None:
    with OriginProcess(profile="node20", backlog=1024) as origin, ExitStack() as stack:
        raws = [stack.enter_context(Raw(origin.port)) for _ in range(1000)]
        for raw in raws:
            raw.send(GET)
        assert {raw.answer(b"")[0] for raw in raws} == {200}
        assert origin.stats().open == 1000


def fits(origin: Origin, stack: ExitStack) -> bool:
    sock = stack.enter_context(socket.socket())
    sock.settimeout(0.1)
    return sock.connect_ex(("127.0.0.1", origin.port)) == 0


def test_a_short_backlog_drops_who_comes_too_many() -> None:
    with (
        Origin(profile="unicorn", backlog=1) as origin,
        waiting_client(origin),
        ExitStack() as stack,
    ):
        assert False in [fits(origin, stack) for _ in range(8)]
