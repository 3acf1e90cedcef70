"""What a probe says of servers whose manners are known."""

import contextlib
import socket
import threading
from pathlib import Path

import pytest
from probed import probed
from recorder import Recorder

from surehop.doctor.probing.asking import Asker, Trouble
from surehop.doctor.probing.pace import Pace, clock
from surehop.doctor.probing.resting import Idle, meet
from surehop.doctor.probing.sheet import End, Fate
from surehop.doctor.probing.wire import Silent, Wire
from surehop.doctor.render.sheets import sheet_text
from surehop.events import Cause
from surehop.lab.origins import Origin
from surehop.lab.ports import Port


def test_a_kept_connection_and_its_close() -> None:
    with Origin(keepalive_timeout=1.0) as origin:
        sheet = probed(origin.url)

    assert sheet.answered
    assert (sheet.answered.status, sheet.answered.version) == (200, "1.1")
    assert sheet.kept
    assert sheet.kept.supported
    assert (sheet.kept.answers, sheet.kept.advertised_ms) == (10, 1000)
    assert sheet.idle
    assert sheet.idle.how is End.FIN
    assert sheet.idle.ms >= 950
    assert sheet.met
    assert not sheet.trouble
    assert not sheet.stopped


def test_a_close_by_rst() -> None:
    with Origin(keepalive_timeout=0.5, idle_close="rst") as origin:
        sheet = probed(origin.url)

    assert sheet.idle
    assert sheet.idle.how is End.RST


@pytest.mark.parametrize("kept", [0, 1, 3])
def test_a_server_that_takes_no_more_connections(
    kept: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    idle, asked = Asker.idle, iter(range(kept))

    def counted(asker: Asker) -> Idle | None:
        if next(asked, None) is None:
            raise Trouble("it takes no more connections")
        return idle(asker)

    monkeypatch.setattr(Asker, "idle", counted)
    with Origin(keepalive_timeout=0.3) as origin:
        sheet = probed(origin.url)

    assert len(sheet.rested) <= kept
    assert sheet.met == ()
    assert not sheet.trouble


def test_a_request_that_nobody_takes() -> None:
    here, there = socket.socketpair()
    here.setblocking(False)
    pace = Pace(clock() + 30)
    with Wire("", pace) as wire, here, there:
        wire._socket.close()
        wire._socket = here
        idle = Idle(wire, clock())

        def stuck(_: Wire) -> None:
            raise Silent

        (met,) = meet([idle], [0.0], stuck, pace)
    assert met.fate is Fate.SILENT


def test_a_server_that_never_closes() -> None:
    with Origin(keepalive_timeout=0) as origin:
        sheet = probed(origin.url, max_wait=0.5)

    assert sheet.idle
    assert sheet.idle.how is None
    assert sheet.idle.ms >= 500
    assert sheet.met == ()
    assert sheet.kept
    assert sheet.kept.advertised_ms is None


def test_nothing_is_waited_for_where_nobody_wants_it() -> None:
    with Origin() as origin:
        sheet = probed(origin.url, max_wait=0)

    assert sheet.rested == ()
    assert sheet.kept


def test_connections_that_are_not_kept() -> None:
    with Origin(http10=True) as origin:
        sheet = probed(origin.url)

    assert sheet.kept
    assert (sheet.kept.answers, sheet.kept.ended) == (1, "it is HTTP/1.0")
    assert sheet.rested == ()


def test_connections_that_are_kept_for_some_requests() -> None:
    with Origin(max_requests=3, keepalive_timeout=0.5) as origin:
        sheet = probed(origin.url)

    assert sheet.kept
    assert (sheet.kept.answers, sheet.kept.ended) == (3, "it says `Connection: close`")
    assert len(sheet.rested) == 3
    assert sheet.idle
    assert sheet.idle.how
    assert sheet.requests <= sheet.announced.requests


def test_a_unix_socket(tmp_path: Path) -> None:
    path = tmp_path / "s"
    with Origin(unix=str(path), keepalive_timeout=0.5):
        sheet = probed(f"http://unix:{path}:/a?b")

    assert (sheet.asked, sheet.hop.target) == (f"unix:{path}", "/a?b")
    assert sheet.idle
    assert sheet.idle.how


def test_many_connections_at_once() -> None:
    with Origin(max_connections=2, delay=0.2) as origin:
        sheet = probed(origin.url, max_wait=0, crowd=5)

    assert sheet.crowd
    assert dict(sheet.crowd.statuses).get(200, 0) < 5
    assert sum(count for _, count in (*sheet.crowd.statuses, *sheet.crowd.failed)) == 5


def test_a_crowd_does_not_keep_the_close_from_being_measured() -> None:
    with Origin(max_connections=2, keepalive_timeout=0.5) as origin:
        sheet = probed(origin.url, crowd=6)

    assert sheet.rested
    assert sheet.crowd
    assert sheet.crowd.wanted == 6


def test_every_address_of_a_name() -> None:
    with Port() as port, Origin(port=port.number) as origin:
        resolve = "localhost=127.0.0.1,[::1]"
        sheet = probed(f"http://localhost:{origin.port}/", resolve, max_wait=0)

    assert [each.cause for each in sheet.addresses] == [None, Cause.REFUSED]
    assert sheet.asked == f"127.0.0.1:{origin.port}"


def test_the_queue_of_a_listener_here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("surehop.doctor.probing.asking.ANSWER_S", 0.1)
    with socket.create_server(("127.0.0.1", 0), backlog=7) as listener:
        port = listener.getsockname()[1]
        waits = [socket.create_connection(("127.0.0.1", port)) for _ in range(3)]
        sheet = probed(f"http://127.0.0.1:{port}/", max_wait=0)
        for each in waits:
            each.close()

    (address,) = sheet.addresses
    if address.queue is None:
        pytest.skip("this system lists no sockets")
    assert (address.queue.waiting, address.queue.room) == (3, 7)
    assert sheet.trouble == "it takes the request, and says nothing for 10 s"


OK = b"HTTP/1.1 200 OK\r\n"
LENGTH = b"Content-Length: "
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
TWICE = OK + LENGTH + b"3\r\n" + CHUNKED + b"3\r\nok\n\r\n0\r\n\r\n"


def test_an_answer_with_two_lengths() -> None:
    with Recorder(TWICE) as server:
        sheet = probed(server.url)

    assert sheet.answered
    assert sheet.answered.both_lengths
    assert sheet.kept
    assert sheet.kept.ended == "it says twice how long it is"


@pytest.mark.parametrize(
    ("answer", "greeting", "why"),
    [
        (b"", b"SSH-2.0-OpenSSH_9.2\r\n", r"it answers no HTTP/1, but `SSH-2.0-OpenSSH_9.2\r\n`"),
        (b"\x15\x03\x01\x00\x02\x02\x46", b"", "it speaks TLS"),
        (b"HTTP/1.1 OK\r\n\r\n", b"", "it answers no HTTP/1, but `HTTP/1.1 OK`"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000, b"", "its head is longer than 65536 bytes"),
    ],
)
def test_what_is_no_http(answer: bytes, greeting: bytes, why: str) -> None:
    with Recorder(answer, greeting=greeting) as server:
        assert probed(server.url).trouble == why


@pytest.mark.parametrize(
    ("answer", "ended"),
    [
        (OK + b"\r\nok", "it ends with the connection"),
        (OK + LENGTH + b"9999999999\r\n\r\n", "it is longer than 1 MiB"),
        (OK + LENGTH + b"-1\r\n\r\n", "its Content-Length is no number"),
        (OK + CHUNKED + b"zz\r\n", "its chunks are no chunks"),
        (OK + LENGTH + b"0\r\nConnection: close\r\n\r\n", "it says `Connection: close`"),
        (b"HTTP/1.1 204 No Content\r\n\r\n", ""),
        (OK + CHUNKED + b"2;a=b\r\nok\r\n0\r\nX: y\r\n\r\n", ""),
    ],
)
def test_answers_after_which_another_may_follow_or_not(answer: bytes, ended: str) -> None:
    with Recorder(answer) as server:
        sheet = probed(server.url, max_wait=0)

    assert sheet.kept
    assert sheet.kept.ended == ended
    assert sheet.kept.supported is not bool(ended)


def test_nobody_listens() -> None:
    with Port() as port:
        sheet = probed(f"http://127.0.0.1:{port.number}/")

    assert sheet.trouble == "no address takes connections"
    assert sheet.requests == 0


def test_a_head_alone() -> None:
    with Recorder(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n") as server:
        sheet = probed(server.url, method="HEAD")

    assert all(each.startswith(b"HEAD / HTTP/1.1\r\n") for each in server.heard if each)
    assert sheet.kept
    assert sheet.kept.answers == 10


def test_a_hostile_answer_stays_text() -> None:
    with Recorder(OK + b"Server: \x1b[2J\x9b\r\n" + LENGTH + b"0\r\n\r\n") as server:
        text = sheet_text(probed(server.url, max_wait=0))

    assert "\x1b" not in text
    assert r"server `\x1b[2J\x9b`" in text


@pytest.mark.parametrize(
    "flood",
    [
        b"HTTP/1.1 100 Continue\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 99,
    ],
)
def test_an_answer_without_an_end(flood: bytes) -> None:
    def pour(listener: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                with connection, contextlib.suppress(OSError):
                    connection.sendall(flood)
                    while True:
                        connection.sendall(flood.partition(b"0\r\n")[2] or flood)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=pour, args=(listener,), daemon=True).start()
        sheet = probed(f"http://127.0.0.1:{listener.getsockname()[1]}/", max_wait=0)
        listener.shutdown(socket.SHUT_RDWR)

    assert sheet.trouble == "its answer is not over after 1280 KiB"


def test_an_address_of_no_interface() -> None:
    sheet = probed("http://[fe80::1%25nowhere]/", max_wait=0)

    assert sheet.addresses[0].cause is Cause.OTHER
    assert " failed after " in str(sheet.addresses[0])
