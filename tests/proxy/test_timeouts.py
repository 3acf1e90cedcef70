"""Every time-out of the relay ends what it is there to end, and says so."""

import socket
import threading

import pytest
from front import STREAMED, logged, running, server, servers, told

from raw import GET, Raw
from scripted import Scripted, full
from surehop.lab.subjects import Program

CLIENT = 'client: 127.0.0.1, server: , request: "GET / HTTP/1.1", upstream: '
TIMED_OUT = "upstream timed out (110: Connection timed out)"


def test_connect(surehop: Program) -> None:
    with full() as address:
        conf = server("proxy_connect_timeout 150ms;", upstream=f"server {address};")
        with running(surehop, conf) as subject, Raw(subject.port) as client:
            assert client.answer()[0] == 504
            (line,) = told(subject)
            text = f"[error] {TIMED_OUT} while connecting to upstream, {CLIENT}"
            assert line == f'{text}"http://{address}/", host: "o"'
            (line,) = logged(subject)
            assert line.endswith(f" 504 [{address}] [504] connect_timed_out 0")


def test_connect_goes_to_the_next_peer(surehop: Program) -> None:
    with full() as address, Scripted() as origin:
        upstream = f"server {address}; server 127.0.0.1:{origin.port};"
        conf = server("proxy_connect_timeout 150ms;", upstream=upstream)
        with running(surehop, conf) as subject, Raw(subject.port) as client:
            assert client.answer()[0] == 200
            warned, failed = told(subject, 2)
    assert warned.startswith("[warn] upstream server temporarily disabled while connecting")
    assert failed.startswith(f"[error] {TIMED_OUT} while connecting to upstream, ")


def test_send(surehop: Program) -> None:
    """The origin takes no more of a body."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        inner = f"proxy_send_timeout 200ms; client_max_body_size 0; {STREAMED}"
        conf = server(inner, upstream=f"server {address};")
        with running(surehop, conf) as subject, Raw(subject.port) as client:
            head = b"POST / HTTP/1.1\r\nHost: o\r\nContent-Length: 100000000\r\n\r\n"
            sender = threading.Thread(target=_try_send, args=(client, head + bytes(100_000_000)))
            sender.start()
            status, headers = client.head()
            assert (status, headers["connection"]) == (504, "close")
            (line,) = told(subject)
            assert f"{TIMED_OUT} while sending request to upstream, " in line
            client.close()
            sender.join()


def test_read(surehop: Program) -> None:
    with Scripted() as origin:
        origin.play("hang")
        with running(
            surehop, server("proxy_read_timeout 150ms;", upstream=servers(origin))
        ) as subject:
            with Raw(subject.port) as client:
                status, headers, _ = client.answer()
            assert (status, headers["connection"]) == (504, "keep-alive")
            origin.wait_closed()
            (line,) = told(subject)
            assert f"{TIMED_OUT} while reading response header from upstream, " in line


def test_read_is_between_two_receives(surehop: Program) -> None:
    """An answer that drips takes longer than the time-out, and comes whole."""
    ticks = [threading.Event() for _ in range(6)]
    with Scripted() as origin:
        steps = [step for tick in ticks for step in (tick, b"x")]
        origin.play(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n", *steps)
        with (
            running(
                surehop, server("proxy_read_timeout 400ms;", upstream=servers(origin))
            ) as subject,
            Raw(subject.port) as client,
        ):
            client.send(GET).head()
            for tick in ticks:
                threading.Timer(0.1, tick.set).start()
                client.until(b"x")


def test_read_of_a_body(surehop: Program) -> None:
    with Scripted() as origin:
        origin.play(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf", "hang")
        with running(
            surehop, server("proxy_read_timeout 150ms;", upstream=servers(origin))
        ) as subject:
            with Raw(subject.port) as client:
                client.send(GET).until(b"half")
                assert client.end() == "fin", "the client must see that it is not whole"
            origin.wait_closed()
            (line,) = told(subject)
            assert f"{TIMED_OUT} while reading upstream, " in line


def test_client_that_does_not_take_its_answer(surehop: Program) -> None:
    with Scripted() as origin:
        origin.play(b"HTTP/1.1 200 OK\r\nContent-Length: 100000000\r\n\r\n", bytes(100_000_000))
        inner = "send_timeout 200ms; proxy_max_temp_file_size 0;"
        with running(surehop, server(inner, upstream=servers(origin))) as subject:
            with Raw(subject.port) as client:
                client.send(GET)
                origin.wait_begun()
                origin.wait_closed()
            (line,) = told(subject, level="info")
            text = "[info] client timed out (110: Connection timed out) while sending to client, "
            assert line.startswith(text)


@pytest.mark.parametrize("timeout", ["50ms", "0"])
def test_next_upstream(surehop: Program, timeout: str) -> None:
    """Once the time is over, no other peer is tried; 0 is no limit."""
    with Scripted() as silent, Scripted() as origin:
        silent.play("hang")
        inner = f"proxy_read_timeout 150ms; proxy_next_upstream_timeout {timeout};"
        with running(surehop, server(inner, upstream=servers(silent, origin))) as subject:
            with Raw(subject.port) as client:
                assert client.answer()[0] == (504 if timeout == "50ms" else 200)
            assert len(origin.take()) == (0 if timeout == "50ms" else 1)


def _try_send(client: Raw, data: bytes) -> None:
    try:
        client.send(data)
    except OSError:
        return  # it is refused before it is over
