"""Tunnels in the life of a proxy: reloads, limits, memory, and those that nobody asked for."""

import contextlib
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

import pytest
from front import data_process, logged, memory, running, told

from raw import exchanged, get
from surehop.lab.subjects import Program, Subject
from tunnels import PASSED, SWITCH, UPGRADE, End, Switching, asking, connected
from waiting import eventually

HELD = 200
# What of an idle tunnel is held at most.
EACH = 24 << 10
LARGE = b"x" * (4 << 20)


def http(origin: Switching, lines: str = PASSED, more: str = "") -> str:
    return f"""
    upstream app {{ server 127.0.0.1:{origin.port}; keepalive 4; }}
    server {{
        listen 127.0.0.1:@PORT@; keepalive_timeout 1h;
        location / {{ {lines} proxy_pass http://app; {more} }}
        location /page {{ return 200 here; }}
    }}"""


@contextmanager
def tunnel(program: Program, lines: str = PASSED) -> Iterator[tuple[Subject, End, End]]:
    """A tunnel that is used already."""
    with Switching() as origin, running(program, http(origin, lines)) as subject:
        client, upstream = origin.tunnel(subject.port)
        with client, upstream:
            assert talks(client, upstream)
            yield subject, client, upstream


def talks(client: End, upstream: End) -> bool:
    client.send(b"ping")
    upstream.send(b"pong")
    return upstream.exactly(4) == b"ping" and client.exactly(4) == b"pong"


def change(subject: Subject, old: str, new: str) -> None:
    file = subject.prefix / "nginx.conf"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def page(subject: Subject) -> bytes:
    return exchanged(subject.port, get("/page", close=True)).rpartition(b"\r\n\r\n")[2]


UNASKED = {
    "no upgrade": (asking(lines=""), PASSED),
    "not passed on": (asking(), ""),
    "the configuration's own": (asking(lines=""), "proxy_set_header Upgrade x;"),
    "before the body": (
        asking(method="POST", lines=UPGRADE + "Content-Length: 8\r\n") + b"half",
        PASSED + "proxy_request_buffering off;",
    ),
}


@pytest.mark.parametrize("name", UNASKED)
def test_a_switch_that_nobody_asked_for_is_no_tunnel(surehop: Program, name: str) -> None:
    """What comes behind it would be taken for answers and requests, each by one side alone."""
    request, lines = UNASKED[name]
    with Switching() as origin, running(surehop, http(origin, lines)) as subject:
        with connected(subject.port, request) as client, origin.take() as upstream:
            upstream.head()
            upstream.send(SWITCH + b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            head = client.head()
            assert head.startswith(b"HTTP/1.1 101 ")
            assert b"Connection: close\r\n" in head
            assert b"Upgrade:" not in head
            assert client.rest() == (b"", "fin")
            assert upstream.rest()[1] == "fin"
        assert logged(subject)[0].startswith(("GET / 101", "POST / 101"))


@pytest.mark.parametrize("line", [b"Upgrade: h2c\r\n", b"Upgrade: x, HTTP/2.0\r\n", b""])
def test_http_in_a_tunnel_passes_by_no_location(
    surehop: Program, surehop_nginx: Program, line: bytes
) -> None:
    """Whoever may ask for `Upgrade: h2c` could ask for anything there; nginx takes no offence."""
    asked = asking(lines="Upgrade: h2c\r\nConnection: upgrade\r\n")
    switch = SWITCH.replace(b"Upgrade: x\r\n", line)
    with Switching() as origin:
        with running(surehop, http(origin)) as subject:
            client, upstream = origin.tunnel(subject.port, asked, switch=switch)
            with client, upstream:
                assert client.rest() == (b"", "fin")
                assert upstream.rest() == (b"", "fin")
            assert "whose requests no location would see" in str(told(subject))
        with running(surehop_nginx, http(origin)) as subject:
            client, upstream = origin.tunnel(subject.port, asked, switch=switch)
            with client, upstream:
                assert talks(client, upstream)


def test_neither_connection_is_used_again(surehop: Program) -> None:
    with Switching() as origin, running(surehop, http(origin)) as subject:
        for _ in range(2):
            client, upstream = origin.tunnel(subject.port)
            with client, upstream:
                upstream.half_close()
                # What would be a next request is nobody's any more.
                assert client.rest() == (b"", "fin")
                assert upstream.rest() == (b"", "fin")


def test_a_reload_lets_tunnels_live(surehop: Program) -> None:
    with tunnel(surehop) as (subject, client, upstream):
        change(subject, "200 here", "200 there")
        os.kill(subject.pid, signal.SIGHUP)
        eventually(lambda: page(subject) == b"there")
        assert talks(client, upstream)
        client.half_close()
        assert upstream.rest() == (b"", "fin")
        eventually(lambda: any(line.startswith("GET / 101") for line in subject.access_log()))
        eventually(lambda: "[notice] exit" in subject.error_log("notice", normal=True))


def test_a_graceful_end_waits_for_tunnels(surehop: Program) -> None:
    with tunnel(surehop) as (subject, client, upstream):
        os.kill(subject.pid, signal.SIGQUIT)
        eventually(lambda: "shutting down" in str(subject.error_log("notice")))
        assert talks(client, upstream)
        upstream.half_close()
        assert client.rest() == (b"", "fin")
        eventually(lambda: "[notice] exit" in subject.error_log("notice", normal=True))
        assert logged(subject)[0].startswith("GET / 101")


def test_a_tunnel_that_is_left_is_ended_in_time_and_logged(surehop: Program) -> None:
    with (
        Switching() as origin,
        Subject(surehop, http(origin), main="worker_shutdown_timeout 50ms;") as subject,
    ):
        client, upstream = origin.tunnel(subject.port)
        with client, upstream:
            os.kill(subject.pid, signal.SIGQUIT)
            assert client.rest() == (b"", "fin")
            assert upstream.rest() == (b"", "fin")
        assert logged(subject)[0].startswith("GET / 101")


def test_a_fast_end_ends_tunnels(surehop: Program) -> None:
    with tunnel(surehop) as (subject, client, upstream):
        subject.stop()
        assert client.rest()[1] in ("fin", "rst")
        assert upstream.rest()[1] in ("fin", "rst")


def test_a_tunnel_takes_two_places_and_gives_them_back(surehop: Program) -> None:
    """Of `worker_connections`; and who talks is not sent away to make room."""
    with Switching() as origin, Subject(surehop, http(origin), connections=16) as subject:
        for _ in range(3):
            with contextlib.ExitStack() as stack:
                tunnels = [origin.tunnel(subject.port) for _ in range(8)]
                for end in chain(*tunnels):
                    stack.enter_context(end)
                assert not served(subject)
                assert "16 worker_connections are not enough" in str(told(subject))
                assert all(talks(*ends) for ends in tunnels)
            eventually(lambda: served(subject))


def served(subject: Subject) -> bool:
    try:
        return page(subject) == b"here"
    except ConnectionError:
        return False


def test_idle_tunnels_hold_no_buffers(surehop: Program) -> None:
    with (
        Switching() as origin,
        Subject(surehop, http(origin), connections=2048) as subject,
        contextlib.ExitStack() as stack,
    ):

        def hold(count: int) -> None:
            for _ in range(count):
                client, upstream = origin.tunnel(subject.port)
                stack.enter_context(client)
                stack.enter_context(upstream)
                assert talks(client, upstream)

        hold(20)
        pid = data_process(subject)
        before = memory(pid)
        hold(HELD)
        assert (memory(pid) - before) // HELD < EACH


@pytest.mark.parametrize("slow", ["client", "upstream"])
def test_who_reads_slowly_holds_the_other_back(surehop: Program, slow: str) -> None:
    """Sixty megabytes for who takes nothing: they stay with who sends them."""
    with tunnel(surehop) as (subject, client, upstream):
        pid = data_process(subject)
        before = memory(pid)
        fast, stuck = (upstream, client) if slow == "client" else (client, upstream)
        fast.sock.settimeout(0.3)
        with contextlib.suppress(TimeoutError):
            for _ in range(15):
                fast.send(LARGE)
        assert memory(pid) - before < 1 << 20
        fast.sock.settimeout(None)
        fast.half_close()
        got, end = stuck.rest()
        assert end == "fin"
        assert set(got[:1000] + got[-1000:]) == {ord("x")}


def test_a_busy_tunnel_does_not_hold_up_the_others(surehop: Program) -> None:
    with tunnel(surehop) as (subject, client, upstream):
        over = threading.Event()

        def flood() -> None:
            with contextlib.suppress(OSError):
                while not over.is_set():
                    upstream.send(LARGE)

        def drain() -> None:
            with contextlib.suppress(OSError):
                while client.sock.recv(1 << 20):
                    pass

        threads = [threading.Thread(target=work) for work in (flood, drain)]
        for thread in threads:
            thread.start()
        for _ in range(20):
            assert page(subject) == b"here"
        over.set()
        client.sock.shutdown(2)
        for thread in threads:
            thread.join()
