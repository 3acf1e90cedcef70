"""The native transport against a plain server: what the client is built on."""

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from surehop import _core

PLAN = {
    "version": 1,
    "connections": 100,
    "idle_connections": 100,
    "idle_expiry": 60_000,
    **dict.fromkeys(
        ("attribution", "replay_keyed", "probe", "last_peer", "idle", "sent", "budget"), True
    ),
}
TERMS: dict[str, Any] = {
    **dict.fromkeys(("connect", "read", "write", "pool"), 5000),
    "total": None,
    "per_try": None,
    "rounds": 1,
    "again": [],
    "ask": False,
    "ask_always": False,
    "base": 100,
    "cap": 10_000,
    "retry_after": 30_000,
    "budget": True,
}
IDEMPOTENT, STREAM, UPLOAD, CHUNKED = 1, 8, 16, 32


def dumped(**fields: Any) -> bytes:
    return json.dumps(fields).encode()


def target(port: int, host: str = "127.0.0.1") -> bytes:
    peer = {
        "url": f"http://{host}:{port}",
        "host": host,
        "port": port,
        "unix": None,
        "tls": False,
        "sni": host,
        "authority": f"{host}:{port}",
        "weight": 1,
        "max_fails": 1,
        "fail_timeout": 10_000,
        "max_conns": 0,
        "down": False,
        "backup": False,
        "slow_start": 0,
    }
    return dumped(
        name=f"http://{host}:{port}",
        balance="round_robin",
        peers=[peer],
        proxy=None,
        local_address=None,
    )


def terms(**changed: Any) -> _core.Terms:
    return _core.Terms(dumped(**{**TERMS, **changed}))


def answer(connection: socket.socket) -> None:
    """Answer every request on a connection with what its head ends in, and its body."""
    with connection, connection.makefile("rb") as lines:
        while line := lines.readline():
            length, chunked = 0, False
            while (header := lines.readline()) != b"\r\n":
                name, _, value = header.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
                chunked |= name.lower() == b"transfer-encoding"
            body = lines.read(length)
            while chunked and (size := int(lines.readline(), 16)):
                body += lines.read(size)
                lines.readline()
            if chunked:
                lines.readline()
            body = line.split()[1] + body
            head = b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n" % len(body)
            connection.sendall(head + body)


@contextmanager
def server() -> Iterator[int]:
    """Run a server; gives its port."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def accept() -> None:
            while True:
                try:
                    connection, _ = listening.accept()
                except OSError:
                    return
                threading.Thread(target=answer, args=[connection], daemon=True).start()

        accepting = threading.Thread(target=accept, daemon=True)
        accepting.start()
        yield listening.getsockname()[1]
        listening.shutdown(socket.SHUT_RDWR)
        accepting.join(10)


@pytest.fixture
def transport() -> Iterator[_core.Transport]:
    made = _core.Transport(dumped(**PLAN))
    yield made
    made.close()


def send(transport: _core.Transport, to: int, line: bytes, *, flags: int = IDEMPOTENT) -> int:
    return transport.send(to, terms(), flags, line, b"\r\n", None)


def test_a_connection_is_used_again(transport: _core.Transport) -> None:
    with server() as port:
        to = transport.target(target(port), None, None)
        for expected in (False, True, True):
            got = transport.wait(send(transport, to, b"GET /x HTTP/1.1\r\n"))
            assert isinstance(got, _core.Answer)
            assert (got.status, got.reason, got.version, got.body) == (
                200,
                b"OK",
                "HTTP/1.1",
                b"/x",
            )
            assert got.headers == [(b"content-length", b"2")]
            [attempt] = got.report()["attempts"]
            assert attempt["reused"] is expected
            assert attempt["remote"] == f"127.0.0.1:{port}"


def test_a_body_goes_up_in_pieces_and_comes_down_in_pieces(transport: _core.Transport) -> None:
    with server() as port:
        to = transport.target(target(port), None, None)
        rest = b"transfer-encoding: chunked\r\n\r\n"
        flags = UPLOAD | CHUNKED | STREAM
        ticket = transport.send(to, terms(), flags, b"POST /y HTTP/1.1\r\n", rest, None)
        pieces = [b"one", b"", b"two" * 100_000, None]
        while isinstance(got := transport.wait(ticket), _core.Feed):
            assert got.restart is False
            transport.feed(ticket, pieces.pop(0))
        assert isinstance(got, _core.Answer)
        assert got.body is None
        parts = []
        while True:
            transport.read(ticket)
            part = transport.wait(ticket)
            assert isinstance(part, bytes)
            if not part:
                break
            parts.append(part)
        assert b"".join(parts) == b"/yone" + b"two" * 100_000
        assert max(map(len, parts)) <= 65_536
        assert transport.stats()["idle"] == 1


def test_a_name_is_looked_up_by_who_asks(transport: _core.Transport) -> None:
    with server() as port:
        to = transport.target(target(port, "name.invalid"), None, None)
        ticket = send(transport, to, b"GET /z HTTP/1.1\r\n")
        asked = transport.wait(ticket)
        assert isinstance(asked, _core.Resolve)
        assert (asked.host, asked.port) == ("name.invalid", port)
        transport.resolved(ticket, [f"127.0.0.1:{port}"], None)
        got = transport.wait(ticket)
        assert isinstance(got, _core.Answer)
        ticket = send(transport, to, b"GET /z HTTP/1.1\r\n")
        assert isinstance(transport.wait(ticket), _core.Answer)


def test_a_name_that_gives_nothing(transport: _core.Transport) -> None:
    to = transport.target(target(80, "name.invalid"), None, None)
    ticket = send(transport, to, b"GET / HTTP/1.1\r\n")
    assert isinstance(transport.wait(ticket), _core.Resolve)
    transport.resolved(ticket, [], "ENOTFOUND")
    got = transport.wait(ticket)
    assert isinstance(got, _core.Failure)
    report = got.report()
    assert (report["phase"], report["error"]) == ("resolve", "ENOTFOUND")


def test_a_refused_connection(transport: _core.Transport) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    to = transport.target(target(port), None, None)
    got = transport.wait(send(transport, to, b"GET / HTTP/1.1\r\n"))
    assert isinstance(got, _core.Failure)
    report = got.report()
    assert (report["phase"], report["cause"]) == ("connect", "refused")
    [tried] = report["attempts"][0]["addresses"]
    assert (tried["address"], tried["result"]) == (f"127.0.0.1:{port}", "refused")


def test_many_threads_share_the_connections(transport: _core.Transport) -> None:
    with server() as port:
        to = transport.target(target(port), None, None)
        wrong: list[object] = []

        def ask(name: int) -> None:
            for number in range(50):
                path = b"/%d/%d" % (name, number)
                got = transport.wait(send(transport, to, b"GET %s HTTP/1.1\r\n" % path))
                if not isinstance(got, _core.Answer) or got.body != path:
                    wrong.append(got)

        threads = [threading.Thread(target=ask, args=[name]) for name in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)
        assert not wrong
        stats = transport.stats()
        assert stats["requests"] == 0
        assert 1 <= stats["connections"] <= 16


def test_who_waits_lets_go_of_the_reactor_for_a_fork_and_for_a_close() -> None:
    transport = _core.Transport(dumped(**PLAN))
    with socket.create_server(("127.0.0.1", 0)) as silent:
        to = transport.target(target(silent.getsockname()[1]), None, None)
        ended: list[str] = []

        def wait() -> None:
            line, rest = b"GET / HTTP/1.1\r\n", b"\r\n"
            ticket = transport.send(to, terms(read=None), IDEMPOTENT, line, rest, None)
            try:
                transport.wait(ticket)
            except RuntimeError as error:
                ended.append(str(error))

        threads = [threading.Thread(target=wait, daemon=True) for _ in range(4)]
        for thread in threads:
            thread.start()
        for _ in threads:
            silent.accept()[0].detach()  # every request is under way now

        def fork() -> None:
            transport.suspend()
            transport.resume()

        forking = threading.Thread(target=fork, daemon=True)
        forking.start()
        forking.join(10)
        assert not forking.is_alive()
        assert ended == []
        closing = threading.Thread(target=transport.close, daemon=True)
        closing.start()
        for thread in [closing, *threads]:
            thread.join(10)
            assert not thread.is_alive()
        assert len(ended) == 4


def test_a_closed_transport_says_so(transport: _core.Transport) -> None:
    transport.close()
    with pytest.raises(RuntimeError, match="closed"):
        transport.wait(1)


@pytest.mark.parametrize(
    "plan", [b"", b"{}", dumped(**PLAN, more=1), dumped(**{**PLAN, "version": 2})]
)
def test_a_plan_that_is_none(plan: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        _core.Transport(plan)
