"""A life of a proxy: reloads, reopened logs, rest, a new binary, the end."""

import os
import signal
import threading
from functools import partial
from pathlib import Path

import pytest
from front import data_process, running, server

from raw import GET, Raw
from scripted import OK, Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject, listens
from waiting import eventually

PAGE = "location / {{ return 200 {}; }}"


def body(subject: Subject, port: int | None = None) -> bytes:
    with Raw(port or subject.port) as client:
        return client.answer()[2]


def change(subject: Subject, old: str, new: str) -> None:
    """In the configuration, which is not read before it is said."""
    file = subject.prefix / "nginx.conf"
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def lines(subject: Subject) -> list[str]:
    return subject.error_log("notice", normal=True)


def reload(subject: Subject) -> None:
    """HUP, and wait until it has been heard and done."""
    before = len(_over(subject))
    os.kill(subject.pid, signal.SIGHUP)
    eventually(lambda: len(_over(subject)) > before)


def _exited(subject: Subject, workers: int) -> bool:
    return lines(subject).count("[notice] exit") == workers


def _over(subject: Subject) -> list[str]:
    return [
        line
        for line in lines(subject)
        if "start worker processes" in line or line.startswith("[emerg]")
    ]


def children(pid: int) -> list[int]:
    found = Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii")
    return [int(word) for word in found.split()]


def threads(subject: Subject) -> int:
    return len(list(Path(f"/proc/{data_process(subject)}/task").iterdir()))


def test_a_reload_takes_the_new_configuration(surehop: Program) -> None:
    with running(surehop, server(PAGE.format("old"))) as subject:
        assert body(subject) == b"old"
        data = data_process(subject)
        change(subject, "200 old", "200 new")
        reload(subject)
        assert body(subject) == b"new"
        assert data_process(subject) == data, "the same process goes on"
        told = lines(subject)
        assert f"[notice] signal 1 (SIGHUP) received from {os.getpid()}, reconfiguring" in told
        assert "[notice] reconfiguring" in told
        eventually(lambda: "[notice] exit" in lines(subject))
        assert "[notice] gracefully shutting down" in lines(subject)


def test_a_wrong_file_leaves_the_old_one_running(surehop: Program) -> None:
    with running(surehop, server(PAGE.format("old"))) as subject:
        change(subject, "200 old; }", "200 new; } lisden 80;")
        reload(subject)
        assert body(subject) == b"old"
        log = "\n".join(subject.error_log("emerg"))
        talk = (subject.prefix / "logs/output.log").read_text()
        for told in (log, talk):
            assert "[emerg] " in told
            assert 'unknown directive "lisden" in ' in told
        change(subject, "lisden 80;", "")
        reload(subject)
        assert body(subject) == b"new"


def test_a_log_that_can_not_be_opened_leaves_the_old_one_running(surehop: Program) -> None:
    with running(surehop, server(PAGE.format("old"))) as subject:
        change(subject, "200 old;", "200 new; access_log nowhere/access.log;")
        reload(subject)
        assert body(subject) == b"old"
        assert "nowhere/access.log" in subject.error_log("emerg")[0]


def test_an_idle_client_goes_on_with_the_new_configuration(surehop: Program) -> None:
    with (
        running(surehop, server(PAGE.format("old"))) as subject,
        Raw(subject.port) as kept,
    ):
        for nth, text in enumerate((b"old", b"one", b"two", b"six"), 1):
            assert kept.answer()[2] == text
            new = {b"old": "one", b"one": "two", b"two": "six"}.get(text, "end")
            change(subject, f"200 {text.decode()}", f"200 {new}")
            reload(subject)
            # Until the old worker has handed the client over, it answers itself.
            eventually(partial(_exited, subject, nth))
        assert kept.answer()[2] == b"end"


def test_a_request_under_way_ends_on_the_old_configuration(surehop: Program) -> None:
    go = threading.Event()
    with Scripted() as origin:
        upstream = f"server 127.0.0.1:{origin.port};"
        origin.play(go, OK)
        with (
            running(surehop, server(upstream=upstream)) as subject,
            Raw(subject.port) as busy,
        ):
            busy.send(GET)
            origin.wait_begun()
            change(subject, "proxy_pass http://app;", "return 200 new;")
            reload(subject)
            assert body(subject) == b"new"
            go.set()
            assert b"200 OK" in busy.until(b"ok\n")
            assert busy.answer()[2] == b"new", "and is kept"


def test_listeners_come_and_go(surehop: Program) -> None:
    with Port() as other, running(surehop, server(PAGE.format("it"))) as subject:
        first = f"listen 127.0.0.1:{subject.port};"
        second = f"listen 127.0.0.1:{other.number};"
        change(subject, first, first + second)
        reload(subject)
        assert body(subject) == body(subject, other.number) == b"it"
        change(subject, first + second, second)
        reload(subject)
        assert body(subject, other.number) == b"it"
        eventually(lambda: not listens(subject.port))


def test_a_client_of_a_listener_that_goes_is_let_go(surehop: Program) -> None:
    with (
        Port() as other,
        running(surehop, server(PAGE.format("it"))) as subject,
        Raw(subject.port) as kept,
    ):
        assert kept.answer()[0] == 200
        change(subject, f"127.0.0.1:{subject.port}", f"127.0.0.1:{other.number}")
        reload(subject)
        assert kept.end() == "fin"


def test_the_number_of_workers_may_change(surehop: Program) -> None:
    with running(surehop, server(PAGE.format("it"))) as subject:
        few = threads(subject)
        change(subject, "worker_processes 1;", "worker_processes 4;")
        reload(subject)
        eventually(lambda: threads(subject) == few + 3)
        change(subject, "worker_processes 4;", "worker_processes 1;")
        reload(subject)
        eventually(lambda: threads(subject) == few)
        assert body(subject) == b"it"


def test_idle_upstream_connections_are_carried_over(surehop: Program) -> None:
    with Scripted() as origin:
        both = "location / { proxy_pass http://app; } location = /turn { return 200 turned; }"
        http = server(both, upstream=f"server 127.0.0.1:{origin.port}; keepalive 4;")
        with running(surehop, http) as subject:
            for reloads in range(1, 4):
                assert body(subject) == b"ok\n"
                reload(subject)
                eventually(partial(_exited, subject, reloads))
                # The connection is in the worker's inbox, into which it looks before its next turn.
                with Raw(subject.port) as client:
                    assert client.answer(GET.replace(b" / ", b" /turn "))[2] == b"turned"
            assert body(subject) == b"ok\n"
        assert {received.connection for received in origin.take()} == {1}


def test_health_is_carried_over(surehop: Program) -> None:
    with Scripted() as origin, Port() as refusing:
        bad = f"server 127.0.0.1:{refusing.number} max_fails=1 fail_timeout=1h;"
        good = f"server 127.0.0.1:{origin.port};"
        http = server(upstream=bad + good, http="resilience off;")
        with running(surehop, http) as subject:
            assert body(subject) == body(subject) == b"ok\n"
            failed = len(subject.error_log("error"))
            assert failed == 1
            # Another order: peers are known by their addresses.
            change(subject, bad + good, good + bad)
            reload(subject)
            assert body(subject) == body(subject) == body(subject) == b"ok\n"
            assert len(subject.error_log("error")) == failed


def test_what_a_process_is_born_with_takes_a_new_one(surehop: Program) -> None:
    with running(surehop, server(PAGE.format("it"))) as subject:
        old = data_process(subject)
        change(subject, "daemon off;", "daemon off; env TOLD=this; worker_rlimit_nofile 777;")
        reload(subject)
        eventually(lambda: old not in children(subject.pid))
        new = data_process(subject)
        limits = Path(f"/proc/{new}/limits").read_text("ascii").splitlines()
        assert next(one for one in limits if one.startswith("Max open files")).split()[3:5] == [
            "777",
            "777",
        ]
        assert body(subject) == b"it"


def test_the_pid_file_may_move(surehop: Program) -> None:
    with running(surehop, server(PAGE.format("it"))) as subject:
        change(subject, "pid subject.pid;", "pid other.pid;")
        reload(subject)
        eventually(lambda: not (subject.prefix / "subject.pid").exists())
        assert int((subject.prefix / "other.pid").read_text()) == subject.pid
        subject.stop()
        assert not (subject.prefix / "other.pid").exists()


def test_a_request_that_takes_too_long_ends_with_the_old_configuration(surehop: Program) -> None:
    with Scripted() as origin:
        origin.play("hang")
        http = server(upstream=f"server 127.0.0.1:{origin.port};")
        with running(surehop, http) as subject:
            change(subject, "daemon off;", "daemon off; worker_shutdown_timeout 50ms;")
            reload(subject)
            with Raw(subject.port) as client:
                client.send(GET)
                origin.wait_begun()
                reload(subject)
                assert client.end() in ("fin", "rst")


def test_logs_are_reopened(surehop: Program) -> None:
    with running(surehop, server(PAGE.format("it"))) as subject:
        logs = subject.prefix / "logs"
        assert body(subject) == b"it"
        eventually(lambda: len(subject.access_log()) == 1)
        (logs / "access.log").rename(logs / "access.1")
        (logs / "error.log").rename(logs / "error.1")
        os.kill(subject.pid, signal.SIGUSR1)
        eventually((logs / "error.log").exists)
        eventually((logs / "access.log").exists)
        # The workers have it by the next turn: until then lines go to the old file.
        eventually(lambda: body(subject) == b"it" and (logs / "access.log").stat().st_size > 0)
        assert "[notice] reopening logs" in (logs / "error.1").read_text().replace(
            f"{subject.pid}#{subject.pid}: ", ""
        )
        data = data_process(subject)
        held = [os.readlink(fd) for fd in Path(f"/proc/{data}/fd").iterdir()]  # noqa: PTH115
        assert str(logs / "access.1") not in held, "a rotated file is let go"


def test_rest_and_return(surehop: Program) -> None:
    """WINCH: the workers end, the sockets stay; HUP brings workers back."""
    with running(surehop, server(PAGE.format("it"))) as subject:
        os.kill(subject.pid, signal.SIGWINCH)
        eventually(lambda: not children(subject.pid))
        assert listens(subject.port)
        with Raw(subject.port) as waits:
            waits.send(GET)
            reload(subject)
            assert waits.until(b"it")
        os.kill(subject.pid, signal.SIGWINCH)
        eventually(lambda: not children(subject.pid))


def pid_in(path: Path) -> int:
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return 0


def test_a_new_binary_takes_the_sockets(surehop: Program) -> None:
    with running(surehop, server(PAGE.format("it"))) as subject:
        old, pid = subject.pid, subject.prefix / "subject.pid"
        os.kill(old, signal.SIGUSR2)
        eventually(lambda: pid_in(pid) not in (0, old), within=10)
        new = pid_in(pid)
        try:
            assert pid_in(subject.prefix / "subject.pid.oldbin") == old
            eventually(lambda: bool(children(new)))
            os.kill(new, signal.SIGUSR2)
            eventually(lambda: any("changing binary signal is" in one for one in lines(subject)))
            os.kill(old, signal.SIGWINCH)
            eventually(lambda: children(old) == [new])
            assert body(subject) == b"it"
            os.kill(old, signal.SIGQUIT)
            eventually(lambda: not (subject.prefix / "subject.pid.oldbin").exists())
            assert body(subject) == b"it"
        finally:
            os.kill(new, signal.SIGQUIT)
        eventually(lambda: not pid.exists())
        assert not listens(subject.port)


def test_a_new_binary_that_goes_gives_the_pid_file_back(surehop: Program) -> None:
    with running(surehop, server(PAGE.format("it"))) as subject:
        old, pid = subject.pid, subject.prefix / "subject.pid"
        os.kill(old, signal.SIGUSR2)
        eventually(lambda: pid_in(pid) not in (0, old), within=10)
        os.kill(pid_in(pid), signal.SIGTERM)
        eventually(lambda: pid_in(pid) == old)
        assert body(subject) == b"it"


@pytest.mark.parametrize("workers", [1, 3])
def test_no_request_fails_while_it_reloads(surehop: Program, workers: int) -> None:
    """Clients that keep their connection, and clients that do not, over thirty reloads."""
    stop, counts = threading.Event(), [0, 0]
    failures: list[Exception] = []

    def ask(kept: bool) -> None:
        try:
            while not stop.is_set():
                with Raw(subject.port) as client:
                    for _ in range(1000 if kept else 1):
                        assert client.answer()[0] == 200
                        counts[kept] += 1
                        if stop.is_set():
                            break
        except (OSError, EOFError, AssertionError) as e:
            failures.append(e)

    with Scripted() as origin:
        http = server(upstream=f"server 127.0.0.1:{origin.port}; keepalive 4;")
        with running(surehop, http, workers=workers) as subject:
            few = threads(subject)
            clients = [threading.Thread(target=ask, args=(kept,)) for kept in (True, False) * 2]
            for client in clients:
                client.start()
            for _ in range(30):
                reload(subject)
            stop.set()
            for client in clients:
                client.join()
            assert not failures
            assert min(counts) > 30
            eventually(lambda: threads(subject) == few)
