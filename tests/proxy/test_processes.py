"""Start, stop and survival of the two processes."""

import os
import signal
import socket
import threading
from contextlib import ExitStack

import pytest
from front import data_process, running, server

from raw import GET, Raw, eventually
from scripted import OK, Scripted
from surehop.lab.subjects import Program, Subject, listens


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat:  # noqa: PTH123
        return stat.read().rpartition(")")[2].split()[0] == "Z"


def test_quit_answers_what_is_under_way(surehop: Program) -> None:
    go = threading.Event()
    with Scripted() as origin:
        upstream = f"server 127.0.0.1:{origin.port};"
        with running(surehop, server(upstream=upstream)) as subject:
            pid = subject.pid
            with Raw(subject.port) as busy, Raw(subject.port) as idle:
                assert idle.answer()[0] == 200
                origin.play(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none", go, b"two")
                busy.send(GET).until(b"one")
                os.kill(pid, signal.SIGQUIT)
                assert idle.end() == "fin", "who waits for nothing is let go"
                assert not gone(pid)
                go.set()
                assert busy.until(b"two") == b"two"
                assert busy.end() == "fin", "and is not kept"
            eventually(lambda: gone(pid))


def test_quit_lets_an_answer_say_that_it_is_the_last(surehop: Program) -> None:
    go = threading.Event()
    with Scripted() as origin:
        upstream = f"server 127.0.0.1:{origin.port};"
        with (
            running(surehop, server(upstream=upstream)) as subject,
            Raw(subject.port) as busy,
            Raw(subject.port) as idle,
            Raw(subject.port) as new,
        ):
            assert idle.answer()[0] == 200
            origin.take()
            origin.play(go, OK)
            busy.send(GET)
            origin.wait_begun()
            os.kill(subject.pid, signal.SIGQUIT)
            assert idle.end() == "fin"
            go.set()
            assert b"\r\nConnection: close\r\n" in busy.until(b"ok\n")
            assert busy.end() == "fin"
            status, headers, _ = new.answer()
            assert (status, headers["connection"]) == (200, "close"), "who has come may still ask"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_is_at_once(surehop: Program, number: signal.Signals) -> None:
    with Scripted() as origin:
        origin.play("hang")
        upstream = f"server 127.0.0.1:{origin.port};"
        with running(surehop, server(upstream=upstream)) as subject:
            pid, data = subject.pid, data_process(subject)
            with Raw(subject.port) as client:
                client.send(GET)
                origin.wait_begun()
                os.kill(pid, number)
                assert client.end() in ("fin", "rst")
            eventually(lambda: gone(pid) and gone(data))
            assert not listens(subject.port)
            assert not (subject.prefix / "subject.pid").exists()


def test_stop_hastens_a_quit(surehop: Program) -> None:
    with Scripted() as origin:
        upstream = f"server 127.0.0.1:{origin.port};"
        with running(surehop, server(upstream=upstream)) as subject:
            pid = subject.pid
            with Raw(subject.port) as client, Raw(subject.port) as idle:
                assert idle.answer()[0] == 200
                origin.take()
                origin.play("hang")
                client.send(GET)
                origin.wait_begun()
                os.kill(pid, signal.SIGQUIT)
                assert idle.end() == "fin"
                os.kill(pid, signal.SIGTERM)
                eventually(lambda: gone(pid))


def test_a_killed_data_process_is_replaced(surehop: Program) -> None:
    """On the same sockets: whoever connects meanwhile waits, and is answered."""
    with Scripted() as origin:
        upstream = f"server 127.0.0.1:{origin.port};"
        with running(surehop, server(upstream=upstream)) as subject:
            for _ in range(2):
                data = data_process(subject)
                with Raw(subject.port) as client:
                    assert client.answer()[0] == 200
                    os.kill(data, signal.SIGKILL)
                    assert client.end() in ("fin", "rst")
                with Raw(subject.port) as client:
                    assert client.answer()[0] == 200
                assert data_process(subject) != data
            lines = subject.error_log("alert")
            assert len(lines) == 2
            assert "exited on signal 9" in lines[0]


def test_the_data_process_ends_with_its_control_process(surehop: Program) -> None:
    with Scripted() as origin:
        upstream = f"server 127.0.0.1:{origin.port};"
        with running(surehop, server(upstream=upstream)) as subject:
            data = data_process(subject)
            os.kill(subject.pid, signal.SIGKILL)
            eventually(lambda: gone(data))
            assert not listens(subject.port)


def test_as_root_it_serves_as_somebody_else(surehop: Program) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root gives privileges up")
    with running(surehop, server("location / { return 204; }")) as subject:
        with open(f"/proc/{data_process(subject)}/status", encoding="ascii") as status:  # noqa: PTH123
            told = dict(line.rstrip().split(":\t", 1) for line in status if ":\t" in line)
        assert "0" not in told["Uid"].split("\t")
        assert told["NoNewPrivs"] == "1"
        assert int(told["CapEff"], 16) == 0


def test_too_many_clients_do_not_stop_service(surehop: Program) -> None:
    """`worker_connections` are counted: who is too much is let go, who is in is served."""
    http = server("location / { return 200 here; }")
    with running(surehop, http) as subject, ExitStack() as stack:
        where = ("127.0.0.1", subject.port)
        held = [stack.enter_context(socket.create_connection(where, 5)) for _ in range(1100)]
        eventually(lambda: len(subject.error_log("alert")) == 1100 - 1024)
        assert sum(map(_ended, held)) == 1100 - 1024
        held[0].sendall(GET)
        assert held[0].recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
        stack.close()
        eventually(lambda: _answers(subject))
        assert "1024 worker_connections are not enough" in subject.error_log("alert")[0]


def _ended(sock: socket.socket) -> bool:
    """Whether the other side has closed it."""
    sock.setblocking(False)
    try:
        return sock.recv(1) == b""
    except BlockingIOError:
        return False
    finally:
        sock.settimeout(5)


def _answers(subject: Subject) -> bool:
    try:
        with Raw(subject.port) as client:
            return client.answer()[2] == b"here"
    except (EOFError, ConnectionResetError):
        return False
