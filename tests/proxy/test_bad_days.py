"""Days on which everything goes wrong: what is bounded stays bounded, and service goes on."""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Self

import pytest
from front import data_process, memory, running, server, servers, told

from raw import GET, Raw, get
from scripted import OK, Scripted
from surehop.lab.measure import Load
from surehop.lab.subjects import Program, Subject
from waiting import eventually

MIB = 1 << 20
BODY = 256 * MIB
MAY_GROW = 16 * MIB
BLOCK = bytes(MIB)


@contextmanager
def endless(play: Callable[[socket.socket, int], None]) -> Iterator[int]:
    """An origin's port: each connection gets this once a head has come, with bytes behind it."""
    listener = socket.create_server(("127.0.0.1", 0))
    threads: list[threading.Thread] = []

    def serve(sock: socket.socket) -> None:
        with sock:
            try:
                data = b""
                while b"\r\n\r\n" not in data:
                    more = sock.recv(65536)
                    if not more:
                        return
                    data += more
                play(sock, len(data.partition(b"\r\n\r\n")[2]))
            except OSError:
                return  # it was ended, which is what is waited for

    def accept() -> None:
        while True:
            try:
                sock, _ = listener.accept()
            except OSError:
                return
            threads.append(threading.Thread(target=serve, args=(sock,), daemon=True))
            threads[-1].start()

    accepting = threading.Thread(target=accept, daemon=True)
    accepting.start()
    try:
        yield int(listener.getsockname()[1])
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        accepting.join(10)
        for thread in threads:
            thread.join(10)


class Peak:
    """The most memory that a process had while the block lasted, above what it had before."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._base = self._most = memory(pid)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()

    def _look(self) -> None:
        while not self._stop.wait(0.01):
            self._most = max(self._most, memory(self._pid))

    @property
    def growth(self) -> int:
        return self._most - self._base


def test_a_large_body_in_and_out_is_never_held(surehop: Program) -> None:
    def send(sock: socket.socket, _: int) -> None:
        sock.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BODY)
        for _ in range(BODY // MIB):
            sock.sendall(BLOCK)

    def take(sock: socket.socket, here: int) -> None:
        left, room = BODY - here, bytearray(MIB)
        while left > 0:
            left -= sock.recv_into(room) or left
        sock.sendall(OK)

    http = "client_max_body_size 0;"
    with (
        endless(send) as sends,
        endless(take) as takes,
        running(
            surehop,
            server(
                f"location /out {{ proxy_pass http://127.0.0.1:{sends}; }}"
                f"location /in {{ proxy_pass http://127.0.0.1:{takes}; }}",
                http=http,
            ),
        ) as subject,
        Peak(data_process(subject)) as peak,
    ):
        with socket.create_connection(("127.0.0.1", subject.port), 20) as client:
            client.sendall(get("/out", close=True))
            room, received = bytearray(MIB), 0
            while more := client.recv_into(room):
                received += more
            assert BODY < received < BODY + 1000
        with Raw(subject.port) as sender:
            sender.send(b"PUT /in HTTP/1.1\r\nHost: o\r\nContent-Length: %d\r\n\r\n" % BODY)
            for _ in range(BODY // MIB):
                sender.send(BLOCK)
            assert sender.answer(b"")[::2] == (200, b"ok\n")
    assert peak.growth < MAY_GROW


FLOODS: dict[str, tuple[bytes, bytes, str]] = {
    "header lines": (
        b"HTTP/1.1 200 OK\r\n",
        b"X-More: of the same\r\n" * 1000,
        "upstream sent too big header while reading response header from upstream",
    ),
    "one header line": (
        b"HTTP/1.1 200 OK\r\nX-Long: ",
        b"x" * 65536,
        "upstream sent too big header while reading response header from upstream",
    ),
    "interim answers": (
        b"",
        b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 1000,
        "upstream sent too big header while reading response header from upstream",
    ),
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_head_that_never_ends_is_given_up(surehop_nginx: Program, flood: str) -> None:
    first, rest, line = FLOODS[flood]

    def play(sock: socket.socket, _: int) -> None:
        sock.sendall(first)
        while True:
            sock.sendall(rest)

    with (
        endless(play) as port,
        running(surehop_nginx, server(upstream=f"server 127.0.0.1:{port};")) as subject,
        Peak(data_process(subject)) as peak,
    ):
        with Raw(subject.port) as client:
            assert client.answer()[0] == 502
        assert line in told(subject, level="error")[0]
    assert peak.growth < MAY_GROW


CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("first", "rest"),
    [
        (CHUNKED + b"5;", b"x" * 65536),
        (CHUNKED + b"0\r\n", b"X-More: of the same\r\n" * 1000),
    ],
    ids=["chunk extension", "trailers"],
)
def test_framing_that_never_ends_is_given_up(surehop: Program, first: bytes, rest: bytes) -> None:
    def play(sock: socket.socket, _: int) -> None:
        sock.sendall(first)
        while True:
            sock.sendall(rest)

    with (
        endless(play) as port,
        running(surehop, server(upstream=f"server 127.0.0.1:{port};")) as subject,
        Peak(data_process(subject)) as peak,
        Raw(subject.port) as client,
    ):
        client.send(GET)
        assert client.end(10) in ("fin", "rst")
        assert b"\r\n0\r\n\r\n" not in client.left()
    assert peak.growth < MAY_GROW


@pytest.mark.parametrize("errors", ["", "error_log /dev/full info;"], ids=["one", "all"])
def test_logs_that_can_not_be_written(surehop: Program, errors: str) -> None:
    """Lines are lost, never service; the error log tells of it now and then."""
    http = server("location / { return 200 here; }", http="access_log /dev/full;")
    with Subject(surehop, http, main=errors) as subject:
        for number in (signal.SIGHUP, signal.SIGUSR1, signal.SIGHUP):
            with Raw(subject.port) as client:
                for _ in range(100):
                    assert client.answer()[2] == b"here"
            os.kill(subject.pid, number)
        with Raw(subject.port) as client:
            assert client.answer()[2] == b"here"
        alerts = subject.error_log("alert")
        assert all('write() to "/dev/full" failed (28: No space' in line for line in alerts)
        assert 1 <= len(alerts) < 10


def test_a_data_process_that_is_stopped_goes_on(surehop: Program) -> None:
    """SIGSTOP: whoever asks meanwhile waits; nobody who was in is cut off."""
    with (
        Scripted() as origin,
        running(surehop, server(upstream=servers(origin))) as subject,
        Raw(subject.port) as kept,
    ):
        assert kept.answer()[0] == 200
        data = data_process(subject)
        os.kill(data, signal.SIGSTOP)
        with Raw(subject.port) as new:
            new.send(GET)
            kept.send(GET)
            assert new.end(0.5) == "open", "it can't be answered yet"
            os.kill(data, signal.SIGCONT)
            assert new.until(b"ok\n")
            assert kept.until(b"ok\n")
        assert data_process(subject) == data


def test_time_outs_that_pass_while_it_is_stopped(surehop: Program) -> None:
    """What came in time is heard, though the time-out is over when it is looked at."""
    go = threading.Event()
    with Scripted() as origin:
        origin.play(go, OK)
        http = server("proxy_read_timeout 1s;", upstream=servers(origin))
        with running(surehop, http) as subject, Raw(subject.port) as client:
            client.send(GET)
            origin.wait_begun()
            data = data_process(subject)
            os.kill(data, signal.SIGSTOP)
            go.set()
            assert client.end(1.2) == "open"
            os.kill(data, signal.SIGCONT)
            assert client.until(b"ok\n").startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_data_process_that_is_stopped_can_be_ended(surehop: Program) -> None:
    """TERM becomes KILL, as with nginx: the end does not depend on who ends."""
    with running(surehop, server("location / { return 200 here; }")) as subject:
        data = data_process(subject)
        begun = f"start worker process {data}"
        eventually(lambda: any(begun in line for line in subject.error_log("notice")))
        os.kill(data, signal.SIGSTOP)
        subject.stop()
        assert not Path(f"/proc/{data}").exists()
        assert "does not end, killing it" in subject.error_log("alert")[0]


def test_a_killed_data_process_is_back_within_a_second(surehop: Program) -> None:
    """Also when the new one is killed at once; the first one must have started, or nothing has."""
    with running(surehop, server("location / { return 200 here; }")) as subject:
        with Raw(subject.port) as client:
            assert client.answer()[2] == b"here"
        for _ in range(2):
            data = data_process(subject)
            os.kill(data, signal.SIGKILL)
            killed = time.monotonic()
            # Until it has ended it may still accept somebody.
            eventually(lambda data=data: not Path(f"/proc/{data}").exists())  # type: ignore[misc]
            with Raw(subject.port) as client:
                assert client.answer()[2] == b"here"
            assert time.monotonic() - killed < 1.0
            assert data_process(subject) != data


def test_slow_heads_and_bodies_do_not_keep_others_waiting(surehop: Program) -> None:
    """Each holds a place for as long as its time-out, and then is let go."""
    http = "client_header_timeout 1s; client_body_timeout 1s;"
    with (
        Scripted() as origin,
        running(surehop, server(upstream=servers(origin), http=http)) as subject,
        Load(subject.port, clients=2) as load,
        ExitStack() as stack,
    ):
        halves = [b"GET / HT", b"POST / HTTP/1.1\r\nHost: o\r\nContent-Length: 9\r\n\r\nhalf"]
        slow = [stack.enter_context(Raw(subject.port)).send(half) for half in halves * 200]
        before = len(load.answers)
        assert {client.end() for client in slow} <= {"fin", "rst"}
        eventually(lambda: len(load.answers) > before + 20)
        assert load.failed == []
        assert max(answer.took for answer in load.answers) < 1.0


LOGGED = (
    b'GET /a%1b%0a?b=\x80 HTTP/1.1\r\nHost: o\r\nReferer: \x1b[2Jr\tq"\r\nUser-Agent: \x7f\x9b\r\n'
)


def test_control_characters_reach_no_log(surehop: Program) -> None:
    """What a client sends can't move a reader's cursor, nor end a line."""
    # With it on such a request is refused before anything of it could be logged.
    http = 'resilience off; log_format all "$http_user_agent $http_referer $request $uri";'
    with running(
        surehop, server(upstream="server 127.0.0.1:1;", http=http + "access_log logs/a.log all;")
    ) as subject:
        with Raw(subject.port) as client:
            assert client.answer(LOGGED + b"\r\n")[0] == 502
        with Raw(subject.port) as client:
            client.send(LOGGED + b"Authorization: Basic c2VjcmV0\r\nBad\x1b: x\r\n\r\n").rest()
        logs = subject.prefix / "logs"
        eventually(lambda: (logs / "a.log").read_bytes().count(b"\n") == 2)
        eventually(lambda: len(told(subject, level="info")) >= 2)
        written = (logs / "a.log").read_bytes() + (logs / "error.log").read_bytes()
        unsafe = {byte for byte in written if (byte < 32 and byte != 10) or byte == 127}
        assert unsafe == set()
        assert b"c2VjcmV0" not in written
        assert written.count(b"\\x1B") >= 2
