"""A client that goes away takes its upstream connection with it, whatever the phase."""

import socket
import threading
from collections.abc import Callable
from functools import partial

import pytest
from front import STREAMED, logged, running, server, servers, told

from raw import GET, Raw
from scripted import Scripted, full
from surehop.lab.subjects import Program
from waiting import eventually

UPLOAD = b"POST / HTTP/1.1\r\nHost: o\r\nContent-Length: 100000\r\n\r\n"
GONE = (
    "epoll_wait() reported that client prematurely closed connection, "
    "so upstream connection is closed too while "
)


def test_while_connecting(surehop: Program) -> None:
    with full() as address, running(surehop, server(upstream=f"server {address};")) as subject:
        with Raw(subject.port) as client:
            client.send(GET)
            eventually(lambda: connecting(address))
        assert logged(subject)[0].startswith(f"GET / 499 [{address}] [-] ")
        (line,) = told(subject, level="info")
        assert f"{GONE}connecting to upstream, client: " in line


def test_while_waiting_for_the_head(surehop: Program) -> None:
    with Scripted() as origin:
        origin.play("hang")
        with running(surehop, server(upstream=servers(origin))) as subject:
            with Raw(subject.port) as client:
                client.send(GET)
                origin.wait_begun()
            origin.wait_closed()
            (line,) = logged(subject)
            assert line.startswith("GET / 499 ")
            assert line.endswith(" client_gone 0")


@pytest.mark.parametrize("how", ["fin", "rst"])
def test_while_the_body_comes(surehop: Program, how: str) -> None:
    """Ended by FIN or by RST, in the middle of an endless body."""
    endless = threading.Event()
    with Scripted() as origin:
        origin.play(b"HTTP/1.1 200 OK\r\nContent-Length: 999999\r\n\r\nhalf", endless, "hang")
        with running(surehop, server(upstream=servers(origin))) as subject:
            with Raw(subject.port) as client:
                client.send(GET).until(b"half")
                if how == "rst":
                    client.abort()
            endless.set()
            origin.wait_closed()
            assert logged(subject)[0].startswith("GET / 200 ")
            (line,) = told(subject, level="info")
            assert f"{GONE}reading upstream, client: " in line


@pytest.mark.parametrize("streamed", ["", STREAMED])
def test_while_it_sends_its_body(surehop: Program, streamed: str) -> None:
    """Before and after the request has begun to go upstream."""
    with (
        Scripted() as origin,
        running(surehop, server(streamed, upstream=servers(origin))) as subject,
    ):
        with Raw(subject.port) as client:
            client.send(UPLOAD + b"x" * 50_000)
            if streamed:
                origin.wait_begun()
        assert logged(subject)[0].startswith("POST / 400 ")
        line = told(subject, level="info")[-1]
        assert " client prematurely closed connection, client: " in line
        origin.wait_closed()
        assert origin.take() == [], "no half request counts as one"


def test_nobody_is_charged(surehop: Program) -> None:
    """Clients that go away say nothing about the peer."""
    with Scripted() as origin, Scripted() as other:
        origin.play("hang")
        other.play("hang")
        with running(surehop, server(upstream=servers(origin, other))) as subject:
            for count in range(1, 5):
                with Raw(subject.port) as client:
                    client.send(GET)
                    eventually(partial(_met, [origin, other], count))
            origin.play()
            other.play()
            with Raw(subject.port) as client:
                assert {client.answer()[0] for _ in range(4)} == {200}
            assert subject.error_log() == []


def test_half_closed_is_closed(surehop: Program) -> None:
    """As in nginx: a client that closes its sending side is taken to have gone."""
    with Scripted() as origin:
        origin.play("hang")
        with running(surehop, server(upstream=servers(origin))) as subject:
            with socket.create_connection(("127.0.0.1", subject.port)) as client:
                client.sendall(GET)
                client.shutdown(socket.SHUT_WR)
                assert client.recv(10) == b""
            assert logged(subject)[0].startswith("GET / 499 ")


def _met(origins: list[Scripted], count: int) -> bool:
    return sum(origin.connections for origin in origins) == count


def connecting(address: str) -> bool:
    """Whether some connect to this address is under way."""
    port = int(address.rpartition(":")[2])
    wanted: Callable[[list[str]], bool] = lambda f: (  # noqa: E731
        f[3] == "02" and int(f[2].rpartition(":")[2], 16) == port
    )
    with open("/proc/net/tcp", encoding="ascii") as table:  # noqa: PTH123
        return sum(wanted(line.split()) for line in table.readlines()[1:]) > 1
