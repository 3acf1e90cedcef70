"""How the processes end: gracefully, at once, by force, and as whom they run."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from surehop.lab.measure import Load
from surehop.lab.subjects import Program, Subject
from upstream import PATIENCE, Line, Upstream, get, head, ok, rest, steady, told

FRONT = """
server {{ listen 127.0.0.1:@PORT@;
    location / {{ proxy_pass http://127.0.0.1:{port}; }} location /own {{ return 200 "own"; }} }}"""


class Held:
    """An upstream's script that answers when it is told to."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self.go = threading.Event()

    def __call__(self, line: Line) -> None:
        while line.request():
            self.asked.set()
            assert self.go.wait(PATIENCE)
            line.say(ok(b"late"))


@contextmanager
def waiting(subject: Subject, held: Held) -> Iterator[socket.socket]:
    """A client whose request is under way."""
    with socket.create_connection(("127.0.0.1", subject.port), PATIENCE) as sock:
        sock.sendall(get(close=False))
        assert held.asked.wait(PATIENCE)
        yield sock


def data_process(subject: Subject) -> int:
    children = Path(f"/proc/{subject.pid}/task/{subject.pid}/children").read_text("ascii")
    return int(children.split()[0])


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.01)


def refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), PATIENCE).close()
    except ConnectionRefusedError:
        return True
    return False


def cut(sock: socket.socket) -> bool:
    """Whether the connection ends without an answer."""
    try:
        return rest(sock) == b""
    except ConnectionResetError:
        return True


def ended(pid: int) -> bool:
    """Its parent, which is this process, still has to wait for it."""
    return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] == "Z"


def test_quit_answers_what_is_under_way_and_refuses_the_rest(surehop: Program) -> None:
    held = Held()
    with Upstream(held) as upstream, Subject(surehop, FRONT.format(port=upstream.port)) as subject:
        with waiting(subject, held) as sock:
            with socket.create_connection(("127.0.0.1", subject.port), PATIENCE) as idle:
                idle.sendall(get("/own", close=False))
                assert head(idle).startswith(b"HTTP/1.1 200")
                assert idle.recv(3) == b"own"
                os.kill(subject.pid, signal.SIGQUIT)
                assert rest(idle) == b"", "a connection between two requests is closed"
            eventually(lambda: refused(subject.port))
            held.go.set()
            answer = rest(sock)
            assert b"\r\nConnection: close\r\n" in answer
            assert answer.endswith(b"late")
        eventually(lambda: ended(subject.pid))
        assert subject.error_log("warn") == []


def test_quit_waits_for_who_has_just_come(surehop: Program) -> None:
    with Upstream(steady) as upstream:
        http = FRONT.format(port=upstream.port)
        with (
            Subject(surehop, http) as subject,
            socket.create_connection(("127.0.0.1", subject.port), PATIENCE) as sock,
        ):
            told(subject.port, get("/own"))  # by now the other was accepted
            os.kill(subject.pid, signal.SIGQUIT)
            eventually(lambda: refused(subject.port))
            sock.sendall(get(close=False))
            assert rest(sock).endswith(b"ok")


def test_term_ends_at_once(surehop: Program) -> None:
    held = Held()
    with Upstream(held) as upstream, Subject(surehop, FRONT.format(port=upstream.port)) as subject:
        with waiting(subject, held) as sock:
            os.kill(subject.pid, signal.SIGTERM)
            assert cut(sock)
        eventually(lambda: ended(subject.pid))
        held.go.set()


def test_term_hurries_a_quit(surehop: Program) -> None:
    held = Held()
    with Upstream(held) as upstream, Subject(surehop, FRONT.format(port=upstream.port)) as subject:
        with waiting(subject, held):
            os.kill(subject.pid, signal.SIGQUIT)
            eventually(lambda: refused(subject.port))
            os.kill(subject.pid, signal.SIGTERM)
            eventually(lambda: ended(subject.pid))
        held.go.set()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGQUIT, signal.SIGINT])
def test_a_stop_under_load_leaves_no_process(surehop: Program, number: int) -> None:
    with Upstream(steady) as upstream:
        http = FRONT.format(port=upstream.port)
        with Subject(surehop, http) as subject, Load(subject.port, clients=8, every=0.001) as load:
            eventually(lambda: len(load.answers) > 50)
            data = data_process(subject)
            os.kill(subject.pid, number)
            eventually(lambda: ended(subject.pid))
            assert not Path(f"/proc/{data}").exists()


def test_a_killed_data_process_is_replaced(surehop: Program) -> None:
    with Upstream(steady) as upstream:
        http = FRONT.format(port=upstream.port)
        with Subject(surehop, http) as subject:
            for _ in range(2):
                first = data_process(subject)
                os.kill(first, signal.SIGKILL)
                # Who comes meanwhile waits in the listener, which stands all the time.
                assert told(subject.port, get()).endswith(b"ok")
                assert data_process(subject) != first
            told_of = subject.error_log("alert", normal=True)
            assert len(told_of) == 2
            assert all("exited on signal 9" in line for line in told_of)


def test_a_killed_control_process_leaves_no_data_process(surehop: Program) -> None:
    with Upstream(steady) as upstream:
        http = FRONT.format(port=upstream.port)
        with Subject(surehop, http) as subject:
            data = data_process(subject)
            os.kill(subject.pid, signal.SIGKILL)
            eventually(lambda: refused(subject.port) and not alive(data))


def alive(pid: int) -> bool:
    """Whether it runs: an orphan that nobody waits for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_the_data_process_has_no_privileges(surehop: Program) -> None:
    with Upstream(steady) as upstream:
        http = FRONT.format(port=upstream.port)
        with Subject(surehop, http, main="user nobody nogroup;") as subject:
            assert told(subject.port, get()).endswith(b"ok")
            status = Path(f"/proc/{data_process(subject)}/status").read_text("ascii")
            fields = dict(line.split(":\t", 1) for line in status.splitlines() if ":\t" in line)
            assert set(fields["Uid"].split()) == {"65534"}
            assert "0" not in {*fields["Gid"].split(), *fields["Groups"].split()}
            assert int(fields["CapEff"], 16) == int(fields["CapPrm"], 16) == 0
            assert fields["NoNewPrivs"] == "1"
