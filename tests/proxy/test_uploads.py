"""Bodies on their way upstream: limits, refusals in the middle, and what may be sent twice."""

import socket
from collections.abc import Iterator

import pytest
from front import STREAMED, logged, running, server, servers, told

from raw import Raw, get
from scripted import OK, Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program

# More than is held for a second try.
LARGE = b"L" * 100_000
CHUNKED = b"PUT / HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\n"


def put(body: bytes, method: str = "PUT") -> bytes:
    return f"{method} / HTTP/1.1\r\nHost: o\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def chunks(data: bytes, size: int) -> bytes:
    pieces = (data[at : at + size] for at in range(0, len(data), size))
    return b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces) + b"0\r\n\r\n"


@pytest.fixture
def two() -> Iterator[tuple[Scripted, Scripted]]:
    with Scripted() as first, Scripted() as second:
        yield first, second


def test_a_held_body_goes_to_the_next_peer(
    surehop: Program, two: tuple[Scripted, Scripted]
) -> None:
    first, second = two
    first.play("fin")
    with running(surehop, server(upstream=servers(*two))) as subject, Raw(subject.port) as client:
        assert client.answer(put(b"held"))[0] == 200
    assert [r.body for r in first.take()] == [b"held"]
    assert [r.body for r in second.take()] == [b"held"]


@pytest.mark.parametrize("framed", [put(LARGE), CHUNKED + chunks(LARGE, 10_000)])
def test_a_body_in_a_file_goes_to_the_next_peer(
    surehop: Program, two: tuple[Scripted, Scripted], framed: bytes
) -> None:
    two[0].play("fin")
    with running(surehop, server(upstream=servers(*two))) as subject, Raw(subject.port) as client:
        assert client.answer(framed)[0] == 200
        line = told(subject)[0]
        assert line.startswith("[warn] a client request body is buffered to a temporary file /")
        assert list((subject.prefix / "client_body_temp").iterdir()) == []
    for origin in two:
        assert [(r.framing, r.body) for r in origin.take()] == [("length", LARGE)]


def test_a_body_that_went_by_is_sent_once(surehop: Program, two: tuple[Scripted, Scripted]) -> None:
    first, second = two
    first.play("fin")
    conf = server(STREAMED, upstream=servers(*two))
    with running(surehop, conf) as subject, Raw(subject.port) as client:
        assert client.answer(put(LARGE))[0] == 502
        assert logged(subject)[0].endswith(" closed 0")
    assert [len(r.body) for r in first.take()] == [len(LARGE)]
    assert second.connections == 0


def test_a_large_body_goes_elsewhere_while_none_of_it_was_sent(
    surehop: Program,
) -> None:
    """A refused connect has cost nothing."""
    with Port() as refused, Scripted() as origin:
        with (
            running(surehop, server(upstream=servers(refused, origin))) as subject,
            Raw(subject.port) as client,
        ):
            for _ in range(2):
                assert client.answer(put(LARGE, "POST"))[0] == 200
        assert [len(r.body) for r in origin.take()] == [len(LARGE)] * 2


def test_a_chunked_body_that_grows_too_large(surehop: Program) -> None:
    """Found out when some of it has gone upstream: nothing counts as whole."""
    with Scripted() as origin:
        conf = server(f"client_max_body_size 50k; {STREAMED}", upstream=servers(origin))
        with running(surehop, conf) as subject, Raw(subject.port) as client:
            status, headers, _ = client.answer(CHUNKED + chunks(LARGE, 10_000))
            assert (status, headers["connection"]) == (413, "close")
            (line,) = told(subject)
            text = "client intended to send too large chunked body: 50000+10000 bytes"
            assert line.startswith(f"[error] {text}, client: ")
        origin.wait_closed()
        assert origin.take() == []


def test_a_chunked_body_that_goes_wrong(surehop: Program) -> None:
    with Scripted() as origin:
        with (
            running(surehop, server(STREAMED, upstream=servers(origin))) as subject,
            Raw(subject.port) as client,
        ):
            body = chunks(LARGE, 10_000)[:-5] + b"nonsense\r\n"
            assert client.answer(CHUNKED + body)[0] == 400
            (line,) = told(subject)
            assert line.startswith("[error] client sent invalid chunked body, client: ")
        origin.wait_closed()
        assert origin.take() == []


@pytest.mark.parametrize("size", [1, 7, 4096, 99_999])
def test_chunks_arrive_as_they_were_meant(surehop: Program, size: int) -> None:
    data = bytes(range(256)) * 80
    with Scripted() as origin:
        with (
            running(surehop, server(upstream=servers(origin))) as subject,
            Raw(subject.port) as client,
        ):
            assert client.answer(CHUNKED + chunks(data, size))[0] == 200
            assert client.answer(put(b"next"))[0] == 200
        assert [r.body for r in origin.take()] == [data, b"next"]


def test_unknown_length_goes_to_an_old_server_once_it_is_known(surehop: Program) -> None:
    """HTTP/1.0 has no chunks: the body is taken in first, whatever was said."""
    with Scripted() as origin:
        conf = server(f"proxy_http_version 1.0; {STREAMED}", upstream=servers(origin))
        with running(surehop, conf) as subject, Raw(subject.port) as client:
            assert client.answer(CHUNKED + chunks(b"short", 2))[0] == 200
            assert client.answer(CHUNKED + chunks(LARGE, 10_000))[0] == 200
        got = [(r.framing, r.body) for r in origin.take()]
        assert got == [("length", b"short"), ("length", LARGE)]


def test_expect_is_answered_before_the_body_comes(surehop: Program) -> None:
    with Scripted() as origin:
        with (
            running(surehop, server(upstream=servers(origin))) as subject,
            Raw(subject.port) as client,
        ):
            head, body = put(LARGE).split(b"\r\n\r\n")
            client.send(head + b"\r\nExpect: 100-continue\r\n\r\n")
            assert client.until(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            assert client.answer(body)[0] == 200
        (got,) = origin.take()
        assert got.body == LARGE
        assert got.header("expect") == [], "it was this hop's"


def test_an_answer_before_the_body_is_whole_ends_both_connections(surehop: Program) -> None:
    """What is left of a request must not be taken for the next one, on either side."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        upstream = f"server 127.0.0.1:{listener.getsockname()[1]};"
        conf = server(STREAMED, upstream=upstream)
        with running(surehop, conf) as subject, Raw(subject.port) as client:
            client.send(put(LARGE)[:50_000])
            origin, _ = listener.accept()
            with origin:
                origin.recv(1000)
                origin.sendall(OK)
                status, headers = client.head()
                assert (status, headers["connection"]) == (200, "close")
                client.send(put(LARGE)[50_000:])
                client.send(get("/smuggled"))
                assert client.end() == "fin"
                got = b""
                origin.settimeout(5)
                try:
                    while more := origin.recv(65536):
                        got += more
                except ConnectionResetError:
                    pass
                assert b"smuggled" not in got
