"""`stub_status`: nginx's page, which the nginx at hand is built without."""

import re

from front import running, server

from raw import Raw, get
from surehop.lab.subjects import Program
from waiting import eventually

HTTP = server(
    """
    location = /stub { stub_status; }
    location = /on { stub_status on; }
    location / { return 200 "$connections_active,$connections_reading"; }
    location /rest { return 200 "$connections_writing,$connections_waiting"; }
    """
)
PAGE = re.compile(
    rb"Active connections: (\d+) \n"
    rb"server accepts handled requests\n"
    rb" (\d+) (\d+) (\d+) \n"
    rb"Reading: (\d+) Writing: (\d+) Waiting: (\d+) \n"
)


def numbers(body: bytes) -> list[int]:
    found = PAGE.fullmatch(body)
    assert found, body
    return [int(number) for number in found.groups()]


def test_the_page(surehop_nginx: Program) -> None:
    with running(surehop_nginx, HTTP) as subject, Raw(subject.port) as client:
        status, headers, body = client.answer(get("/stub"))
        first = numbers(body)
        again = numbers(client.answer(get("/on"))[2])

    assert (status, headers["content-type"]) == (200, "text/plain")
    assert first == [1, 1, 1, 1, 0, 1, 0]
    assert again == [1, 1, 1, 2, 0, 1, 0]


def test_what_connections_are_at(surehop_nginx: Program) -> None:
    with (
        running(surehop_nginx, HTTP, workers=2) as subject,
        Raw(subject.port) as client,
        Raw(subject.port) as reading,
        Raw(subject.port) as idle,
        Raw(subject.port) as silent,
    ):
        idle.answer(get("/"))
        reading.send(b"GET / HTTP/1.1\r\nHost: ")
        assert silent.left() == b""

        def now() -> list[int]:
            return numbers(client.answer(get("/stub"))[2])

        eventually(lambda: now()[4:] == [1, 1, 2])
        assert now()[:3] == [4, 4, 4]
        assert client.answer(get("/"))[2] == b"4,1"
        assert client.answer(get("/rest"))[2] == b"1,2"


def test_other_methods(surehop_nginx: Program) -> None:
    with running(surehop_nginx, HTTP) as subject:
        with Raw(subject.port) as client:
            head = client.send(b"HEAD /stub HTTP/1.0\r\n\r\n").rest()
        with Raw(subject.port) as client:
            post = client.send(b"POST /stub HTTP/1.0\r\n\r\n").rest()

    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert head.endswith(b"\r\n\r\n")
    assert post.startswith(b"HTTP/1.1 405 Not Allowed\r\n")
