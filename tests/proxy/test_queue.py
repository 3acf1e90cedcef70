"""`queue`: requests wait for a server that has as many as it may have, instead of failing."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from front import logged, running, server, told

from raw import Raw, get
from scripted import OK, Answer, Scripted
from surehop.lab.subjects import Program, Subject
from waiting import eventually


@pytest.fixture
def origin() -> Iterator[Scripted]:
    with Scripted() as origin:
        yield origin


def waiting(origin: Scripted, queue: str, *, zone: str = "") -> str:
    upstream = f"{zone} server 127.0.0.1:{origin.port} max_conns=1; {queue}"
    return server(
        "location / { proxy_pass http://app; } location /own { return 204; }", upstream=upstream
    )


def ask(stack: ExitStack, subject: Subject, target: str) -> Raw:
    return stack.enter_context(Raw(subject.port)).send(get(target, close=True))


def test_they_are_served_in_turn(surehop_nginx: Program, origin: Scripted) -> None:
    go = {name: threading.Event() for name in ("/1", "/2", "/3")}
    origin.play_paths({name: Answer((event, OK)) for name, event in go.items()})
    with running(surehop_nginx, waiting(origin, "queue 2;")) as subject, ExitStack() as stack:
        clients = [ask(stack, subject, "/1")]
        origin.wait_begun(1)
        # One at a time, so that it is known who came first.
        for name in ("/2", "/3"):
            clients.append(ask(stack, subject, name))
            with Raw(subject.port) as other:
                assert other.answer(get("/own"))[0] == 204
        assert b" 502 " in ask(stack, subject, "/4").rest(), "the queue is full"
        for client, event in zip(clients, go.values(), strict=True):
            event.set()
            assert b" 200 " in client.rest()
        assert [request.target for request in origin.take()] == ["/1", "/2", "/3"]
        (line,) = told(subject)
        assert "no live upstreams while connecting to upstream" in line
        assert "GET /4 " in line


def test_nobody_waits_longer_than_the_timeout(surehop_nginx: Program, origin: Scripted) -> None:
    go = threading.Event()
    origin.play_paths({"/1": Answer((go, OK))})
    queue = "queue 1 timeout=1s;"
    with running(surehop_nginx, waiting(origin, queue)) as subject, ExitStack() as stack:
        first = ask(stack, subject, "/1")
        origin.wait_begun(1)
        assert b" 502 " in ask(stack, subject, "/2").rest()
        go.set()
        assert b" 200 " in first.rest()


def test_who_leaves_makes_room(surehop_nginx: Program, origin: Scripted) -> None:
    go = threading.Event()
    origin.play_paths({"/1": Answer((go, OK))})
    with running(surehop_nginx, waiting(origin, "queue 1;")) as subject, ExitStack() as stack:
        first = ask(stack, subject, "/1")
        origin.wait_begun(1)
        ask(stack, subject, "/2").close()
        assert '"GET /2' in logged(subject)[0] or "/2" in logged(subject)[0]
        third = ask(stack, subject, "/3")
        go.set()
        assert b" 200 " in first.rest()
        assert b" 200 " in third.rest()
        assert [request.target for request in origin.take()] == ["/1", "/3"]


def test_other_workers_are_called(surehop_nginx: Program, origin: Scripted) -> None:
    http = waiting(origin, "queue 40;", zone="zone app 64k;")
    with running(surehop_nginx, http, workers=2) as subject, ExitStack() as stack:
        clients = [ask(stack, subject, f"/{number}") for number in range(40)]
        assert all(b" 200 " in client.rest() for client in clients)
        eventually(lambda: len(subject.access_log()) >= 40)
        assert len(origin.take()) == 40
