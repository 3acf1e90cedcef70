"""The lab's profiles beside the servers that they stand for: heads, ends, and when they come."""

import re
import time
from pathlib import Path
from typing import Any

import pytest
from servers import node, node_server, python_server

from raw import GET, Raw, get
from surehop.lab.origins import Origin
from surehop.lab.subjects import Program, Subject

GET10 = b"GET / HTTP/1.0\r\nHost: o\r\n\r\n"
PUT = b"PUT / HTTP/1.1\r\nHost: o\r\nContent-Length: 9\r\n\r\n"
SCALE = 0.4  # seconds
LONGEST = 3.0


def head(raw: Raw, request: bytes = GET) -> bytes:
    """The head as it was sent, without the hour and the server's version."""
    text = raw.send(request).until(b"\r\n\r\n")
    text = re.sub(rb"(?i)(date: )[^\r]+", rb"\1now", text)
    return re.sub(rb"(?i)(server: nginx)/[^\r]+", rb"\1", text)


def ends(port: int, request: bytes) -> str:
    with Raw(port) as raw:
        raw.send(request)
        return raw.end()


def idle_end(port: int) -> tuple[str, float]:
    with Raw(port) as raw:
        raw.answer()
        before = time.monotonic()
        return raw.end(LONGEST * 3), time.monotonic() - before


def told(port: int) -> dict[str, Any]:
    """What a server says and does, all that can be compared to the letter."""
    found: dict[str, Any] = {}
    with Raw(port) as raw:
        found["first"] = head(raw)
        assert raw.until(b"ok\n") == b"ok\n"
        found["second"] = head(raw)
    with Raw(port) as raw:
        found["close"] = head(raw, get(close=True))
        found["close ends"] = raw.end()
    with Raw(port) as raw:
        found["HTTP/1.0"] = raw.send(GET10).end()
    found["nonsense"] = ends(port, b"BAD\r\n\r\n")
    return found


def compare(real: int, ours: int, expected: float) -> None:
    """expected: seconds until an idle connection is closed."""
    assert told(ours) == told(real)
    (end, took), (our_end, our_took) = idle_end(real), idle_end(ours)
    assert our_end == end == "fin"
    for seconds in (took, our_took):
        assert expected * 0.8 - 0.05 < seconds < expected + LONGEST


def test_node_keeps_and_closes_alike(tmp_path: Path) -> None:
    _, profile = node()
    buffer = 0 if profile == "node18" else 1
    with (
        node_server(tmp_path, {"keepAliveTimeout": SCALE * 1000}) as port,
        Origin(profile=profile, keepalive_timeout=SCALE) as origin,
    ):
        compare(port, origin.port, SCALE + buffer)


def served(port: int, requests: int) -> list[bytes]:
    found = []
    with Raw(port) as raw:
        for _ in range(requests):
            found.append(head(raw))
            raw.until(b"0\r\n\r\n" if b"chunked" in found[-1] else b"ok\n")
        found.append(raw.end(0.2).encode())
    return found


def test_node_answers_503_behind_its_last_request_alike(tmp_path: Path) -> None:
    _, profile = node()
    with (
        node_server(tmp_path, {"maxRequestsPerSocket": 3}) as port,
        Origin(profile=profile, max_requests=3) as origin,
    ):
        found = served(port, 5)
        assert found[-2].startswith(b"HTTP/1.1 503 ")
        assert served(origin.port, 5) == found


def turned_away(port: int) -> list[str]:
    """One request under way, and two who come too many: one waits, one sends."""
    with Raw(port) as busy:
        busy.send(get("/slow?ms=300"))
        with Raw(port) as quiet:
            found = [quiet.end()]
        with Raw(port) as eager:
            assert eager.end() == "fin"
            eager.send(GET)
            found.append(eager.end())
        found.append(str(busy.answer(b"")[0]))
    return found


def test_node_turns_away_alike(tmp_path: Path) -> None:
    _, profile = node()
    with (
        node_server(tmp_path, {"maxConnections": 1}) as port,
        Origin(profile=profile, max_connections=1) as origin,
    ):
        found = turned_away(port)
        assert found[0] == "fin"
        assert found[-1] == "200"
        assert turned_away(origin.port) == found


def test_node_without_a_time_out_alike(tmp_path: Path) -> None:
    _, profile = node()
    with (
        node_server(tmp_path, {"keepAliveTimeout": 0}) as port,
        Origin(profile=profile, keepalive_timeout=0) as origin,
    ):
        for number in (port, origin.port):
            with Raw(number) as raw:
                assert b"Keep-Alive:" not in head(raw)
                raw.until(b"ok\n")
                assert raw.end(SCALE) == "open"


def late(port: int, sent: bytes) -> bytes:
    with Raw(port) as raw:
        return raw.send(sent).rest()


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\n", PUT])
def test_what_does_not_come_is_answered_408_alike(tmp_path: Path, sent: bytes) -> None:
    _, profile = node()
    times = {"headersTimeout": 100, "requestTimeout": 200, "connectionsCheckingInterval": 50}
    with node_server(tmp_path, times) as port:
        knobs: dict[str, Any] = {
            "head_timeout": 0.1,
            "request_timeout": 0.2,
            "check_interval": 0.05,
        }
        with Origin(profile=profile, **knobs) as origin:
            found = late(port, sent)
            assert late(origin.port, sent) == found


def test_uvicorn_keeps_and_closes_alike(tmp_path: Path) -> None:
    with (
        python_server(tmp_path, "uvicorn", "--timeout-keep-alive", "1") as port,
        Origin(profile="uvicorn", keepalive_timeout=1) as origin,
    ):
        compare(port, origin.port, 1)


def busy_answers(port: int) -> list[bytes]:
    with Raw(port) as first:
        first.answer()
        with Raw(port) as second:
            return [head(second), second.until(b"Service Unavailable"), second.end().encode()]


def test_uvicorn_is_busy_alike(tmp_path: Path) -> None:
    with (
        python_server(tmp_path, "uvicorn", "--limit-concurrency", "2") as port,
        Origin(profile="uvicorn", max_connections=2) as origin,
    ):
        found = busy_answers(port)
        assert found[0].startswith(b"HTTP/1.1 503 ")
        ours = busy_answers(origin.port)
        assert [text.lower() for text in ours] == [text.lower() for text in found]


def test_gunicorn_keeps_and_closes_alike(tmp_path: Path) -> None:
    words = ("gunicorn", "-k", "gthread", "--threads", "2", "--keep-alive", "1")
    with (
        python_server(tmp_path, *words) as port,
        Origin(profile="gunicorn", keepalive_timeout=1) as origin,
    ):
        compare(port, origin.port, 1)


def test_gunicorns_plain_worker_closes_alike(tmp_path: Path) -> None:
    with (
        python_server(tmp_path, "gunicorn") as port,
        Origin(profile="gunicorn", keepalive_timeout=0) as origin,
    ):
        for request in (GET, get(close=True)):
            with Raw(port) as real, Raw(origin.port) as ours:
                assert head(ours, request) == head(real, request)
                assert ours.end() == real.end() == "fin"


def test_nginx_keeps_and_closes_alike(nginx: Program) -> None:
    http = (
        "keepalive_timeout 1s; keepalive_requests 3; server { listen 127.0.0.1:@PORT@; "
        'location / { default_type text/plain; return 200 "ok\\n"; } }'
    )
    with (
        Subject(nginx, http) as subject,
        Origin(profile="nginx", keepalive_timeout=1, max_requests=3) as origin,
    ):
        compare(subject.port, origin.port, 1)
        found = []
        for port in (subject.port, origin.port):
            with Raw(port) as raw:
                found.append([head(raw) + raw.until(b"ok\n") for _ in range(3)])
                assert raw.end() == "fin"
        assert found[0] == found[1]
