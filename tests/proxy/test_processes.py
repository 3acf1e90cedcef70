"""Start, stop and survival of the two processes: gracefully, at once, by force, and as whom."""

import os
import signal
import threading
from contextlib import ExitStack
from pathlib import Path

import pytest
from front import data_process, running, server, servers

from raw import GET, Raw, get
from scripted import OK, Answer, Scripted
from surehop.lab.measure import Load
from surehop.lab.subjects import Program, Subject, listens
from waiting import eventually


def gone(pid: int) -> bool:
    """Whether it runs no more: one that nobody has waited for yet does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "Z"
    except (FileNotFoundError, ProcessLookupError):
        return True


def refused(port: int) -> bool:
    try:
        Raw(port).close()
    except ConnectionRefusedError:
        return True
    return False


def test_quit_answers_what_is_under_way_and_refuses_the_rest(surehop: Program) -> None:
    go = threading.Event()
    half = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none"
    with Scripted() as origin, running(surehop, server(upstream=servers(origin))) as subject:
        with (
            Raw(subject.port) as begun,
            Raw(subject.port) as asked,
            Raw(subject.port) as new,
            Raw(subject.port) as idle,
        ):
            assert idle.answer()[0] == 200, "by now the others were accepted"
            origin.take()
            origin.play_paths({"/half": Answer((half, go, b"two")), "/late": Answer((go, OK))})
            begun.send(get("/half")).until(b"one")
            asked.send(get("/late"))
            origin.wait_begun(2)
            os.kill(subject.pid, signal.SIGQUIT)
            assert idle.end() == "fin", "who waits for nothing is let go"
            assert idle.left() == b""
            eventually(lambda: refused(subject.port))
            status, headers, _ = new.answer()
            assert (status, headers["connection"]) == (200, "close"), "who has come may still ask"
            assert new.end() == "fin"
            assert not gone(subject.pid)
            go.set()
            assert begun.until(b"two") == b"two"
            assert begun.end() == "fin", "and is not kept"
            assert b"\r\nConnection: close\r\n" in asked.until(b"ok\n")
            assert asked.end() == "fin"
        eventually(lambda: gone(subject.pid))
        assert subject.error_log("warn") == []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_stop_is_at_once(surehop: Program, number: signal.Signals) -> None:
    with Scripted() as origin, running(surehop, server(upstream=servers(origin))) as subject:
        origin.play("hang")
        data = data_process(subject)
        with Raw(subject.port) as client:
            client.send(GET)
            origin.wait_begun()
            os.kill(subject.pid, number)
            assert client.end() in ("fin", "rst")
            assert client.left() == b""
        eventually(lambda: gone(subject.pid) and gone(data))
        assert not listens(subject.port)
        assert not (subject.prefix / "subject.pid").exists()


def test_stop_hastens_a_quit(surehop: Program) -> None:
    with (
        Scripted() as origin,
        running(surehop, server(upstream=servers(origin))) as subject,
        Raw(subject.port) as client,
        Raw(subject.port) as idle,
    ):
        assert idle.answer()[0] == 200
        origin.take()
        origin.play("hang")
        client.send(GET)
        origin.wait_begun()
        os.kill(subject.pid, signal.SIGQUIT)
        assert idle.end() == "fin"
        eventually(lambda: refused(subject.port))
        os.kill(subject.pid, signal.SIGTERM)
        eventually(lambda: gone(subject.pid))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT, signal.SIGINT])
def test_a_stop_under_load_leaves_no_process(surehop: Program, number: signal.Signals) -> None:
    with (
        Scripted() as origin,
        running(surehop, server(upstream=servers(origin))) as subject,
        Load(subject.port, clients=8, every=0.001) as load,
    ):
        eventually(lambda: len(load.answers) > 50)
        data = data_process(subject)
        os.kill(subject.pid, number)
        eventually(lambda: gone(subject.pid))
        assert not Path(f"/proc/{data}").exists()


def test_a_killed_data_process_is_replaced(surehop: Program) -> None:
    """On the same sockets: whoever connects meanwhile waits, and is answered."""
    with Scripted() as origin, running(surehop, server(upstream=servers(origin))) as subject:
        for _ in range(2):
            data = data_process(subject)
            with Raw(subject.port) as client:
                assert client.answer()[0] == 200
                os.kill(data, signal.SIGKILL)
                # Until it has ended it may still accept somebody.
                eventually(lambda data=data: gone(data))  # type: ignore[misc]
                with Raw(subject.port) as another:
                    assert another.answer()[::2] == (200, b"ok\n")
                assert client.end() in ("fin", "rst")
            assert data_process(subject) != data
        lines = subject.error_log("alert")
        assert len(lines) == 2
        assert all("exited on signal 9" in line for line in lines)


def test_the_data_process_ends_with_its_control_process(surehop: Program) -> None:
    with Scripted() as origin, running(surehop, server(upstream=servers(origin))) as subject:
        data = data_process(subject)
        os.kill(subject.pid, signal.SIGKILL)
        eventually(lambda: refused(subject.port) and gone(data))
        assert not listens(subject.port)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize("main", ["", "user nobody nogroup;"])
def test_as_root_it_serves_as_somebody_else(surehop: Program, main: str) -> None:
    with Scripted() as origin:
        with Subject(surehop, server(upstream=servers(origin)), main=main) as subject:
            with Raw(subject.port) as client:
                assert client.answer()[::2] == (200, b"ok\n")
            status = Path(f"/proc/{data_process(subject)}/status").read_text("ascii")
        told = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
        assert "0" not in {*told["Uid"].split(), *told["Gid"].split(), *told["Groups"].split()}
        assert int(told["CapEff"], 16) == int(told["CapPrm"], 16) == 0
        assert told["NoNewPrivs"] == "1"
        if main:
            assert set(told["Uid"].split()) == {"65534"}


def test_too_many_clients_do_not_stop_service(surehop: Program) -> None:
    """`worker_connections` are counted: who is too much is let go, who is in is served."""
    half = GET[:-2]
    http = server("location / { return 200 here; }")
    with running(surehop, http) as subject, ExitStack() as stack:
        held = []
        for _ in range(1024):
            held.append(stack.enter_context(Raw(subject.port)).send(half))
            if len(held) % 100 == 0:  # by then all before have a request under way
                assert _answer(subject) == b"here"
        eventually(lambda: _answer(subject) != b"here")
        assert "1024 worker_connections are not enough" in subject.error_log("alert")[0]
        assert held[0].send(b"\r\n").until(b"here")
        stack.close()
        eventually(lambda: _answer(subject) == b"here")


def _answer(subject: Subject) -> bytes:
    """What one more client hears."""
    try:
        with Raw(subject.port) as client:
            return client.answer()[2]
    except (EOFError, ConnectionResetError, BrokenPipeError):
        return b""


def test_who_waits_longest_makes_room(surehop: Program) -> None:
    """As in nginx: idle clients go, the oldest first, and whoever comes is served."""
    http = server("location / { return 200 here; }", http="keepalive_timeout 60s;")
    with running(surehop, http) as subject, ExitStack() as stack:
        held = []
        for _ in range(1100):
            held.append(stack.enter_context(Raw(subject.port)))
            assert held[-1].answer()[2] == b"here"
        assert held[0].end() == "fin"
        assert held[-1].answer()[2] == b"here", "the youngest stay"
        assert subject.error_log("alert") == []
        warned = subject.error_log("warn")
        assert "1024 worker_connections are not enough, reusing connections" in warned[0]
        assert len(warned) < 10, "it is told once a second"


@pytest.mark.parametrize("idle", [True, False])
def test_no_descriptors_left(surehop: Program, idle: bool) -> None:
    """Some are kept back: who is in is served; who comes waits, or takes an idle one's place."""
    main = "worker_rlimit_nofile 200;"
    with (
        Scripted() as origin,
        Subject(surehop, server(upstream=servers(origin)), main=main) as subject,
        ExitStack() as stack,
    ):
        held = []
        for number in range(250):
            held.append(stack.enter_context(Raw(subject.port)))
            if idle:
                assert held[-1].answer()[2] == b"ok\n", "idle clients make room"
            elif number < 100:
                assert held[-1].answer()[2] == b"ok\n"
                held[-1].send(GET[:-2])
        if idle:
            assert held[0].end() == "fin"
            assert "open files are not enough" in subject.error_log("warn")[0]
        else:
            for client in held[:100]:
                client.send(b"\r\n").until(b"ok\n")
        open_files = len(list(Path(f"/proc/{data_process(subject)}/fd").iterdir()))
        assert open_files < 200, "the reserve is kept"
