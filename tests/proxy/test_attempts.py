"""What happened, as the log tells it: one attempt after the other, in words that never change."""

import json
import threading
from collections.abc import Sequence

import pytest
from front import logged, running, server, servers, told

from raw import GET, Raw, get
from scripted import OK, Answer, Scripted, Step
from surehop.events import attempts_from_json
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject
from waiting import eventually

POST = b"POST / HTTP/1.1\r\nHost: o\r\nContent-Length: 1\r\n\r\nx"
OF_HEAD = "while reading response header from upstream"


def log_of_attempts(subject: Subject, count: int) -> list[str]:
    """The lines of the log that holds `$upstream_attempts`."""
    path = subject.prefix / "logs/attempts.log"
    eventually(lambda: len(path.read_text("utf-8").splitlines()) >= count)
    return path.read_text("utf-8").splitlines()


def test_every_attempt_is_told(surehop: Program) -> None:
    with Port() as refused, Scripted() as origin:
        http = "log_format attempts escape=none '$upstream_attempts';" + server(
            "access_log logs/attempts.log attempts;", upstream=servers(refused, origin)
        )
        with running(surehop, http) as subject, Raw(subject.port) as client:
            assert client.answer()[0] == 200
            origin.play_paths({"/2": Answer(("fin",))})
            assert client.answer(get("/2"))[0] == 502
            first, second = log_of_attempts(subject, 2)
    a, b = attempts_from_json(first)
    assert (a.address, a.family, a.reused) == (f"127.0.0.1:{refused.number}", "ipv4", False)
    assert (a.phase, a.cause, a.reason, a.errno) == ("connect", "refused", "refused", 111)
    assert (a.verdict, a.bytes_sent, a.bytes_received) == ("next", 0, 0)
    assert (b.address, b.reason, b.errno) == (f"127.0.0.1:{origin.port}", "ok", None)
    assert b.bytes_sent == len(b"GET / HTTP/1.1\r\nHost: app\r\n\r\n")
    assert b.bytes_received == len(OK)
    c, d, *_ = attempts_from_json(second)
    assert (c.reused, c.reason, c.verdict) == (True, "reused_closed", "replayed")
    assert c.idle_ms is not None
    assert c.age_ms is not None
    assert c.age_ms >= c.idle_ms
    assert (d.reused, d.reason, d.phase, d.cause) == (False, "closed", "head", "closed")
    raw = json.loads(second)[0]
    assert {"address", "family", "reused", "age_ms", "idle_ms", "bytes_sent", "verdict"} <= set(raw)


FAULTS: dict[str, tuple[Sequence[Step], int, str, str]] = {
    "closed": (["fin"], 502, "closed", f"upstream prematurely closed connection {OF_HEAD}"),
    "reset": (["rst"], 502, "reset", f"recv() failed (104: Connection reset by peer) {OF_HEAD}"),
    "half-head": (
        [b"HTTP/1.1 200 OK\r\nX", "fin"],
        502,
        "closed",
        f"upstream prematurely closed connection {OF_HEAD}",
    ),
    "garbage": (
        [b"\x16\x03\x01 hello\r\n\r\n", "fin"],
        502,
        "invalid",
        f"upstream sent no valid HTTP/1.0 header {OF_HEAD}",
    ),
    "bad-header": (
        [b"HTTP/1.1 200 OK\r\nX Y: 1\r\n\r\n"],
        502,
        "invalid",
        f'upstream sent invalid header: "X\\x20..." {OF_HEAD}',
    ),
    "two-lengths": (
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nxy"],
        502,
        "invalid",
        'upstream sent duplicate header line: "Content-Length: 2", '
        'previous value: "Content-Length: 1" ' + OF_HEAD,
    ),
    "length-and-chunks": (
        [b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
        502,
        "invalid",
        'upstream sent "Content-Length" and "Transfer-Encoding" headers at the same time '
        + OF_HEAD,
    ),
    "too-big": (
        [b"HTTP/1.1 200 OK\r\nX: " + b"x" * 9000 + b"\r\n\r\n"],
        502,
        "too_big",
        f"upstream sent too big header {OF_HEAD}",
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_faults_of_the_head(surehop: Program, name: str) -> None:
    """With one peer: the status, the reason and the line. Nothing is done about any but death."""
    steps, status, reason, text = FAULTS[name]
    with Scripted() as origin:
        origin.play(*steps)
        with running(surehop, server(upstream=servers(origin))) as subject:
            with Raw(subject.port) as client:
                assert client.answer(POST)[0] == status
            (line,) = told(subject)
            assert line.startswith(f"[error] {text}, client: 127.0.0.1, server: , request: ")
            (access,) = logged(subject)
            assert access.endswith(f" {reason} 0")
            origin.wait_closed()


BODY_FAULTS: dict[str, tuple[bytes, str]] = {
    "half-body": (
        b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf",
        "upstream prematurely closed connection while reading upstream",
    ),
    "half-chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf",
        "upstream prematurely closed connection while reading upstream",
    ),
    "no-last-chunk": (
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "upstream prematurely closed connection while reading upstream",
    ),
}


@pytest.mark.parametrize("name", BODY_FAULTS)
def test_a_body_that_is_cut_off_is_seen_to_be(surehop: Program, name: str) -> None:
    data, text = BODY_FAULTS[name]
    with Scripted() as origin:
        origin.play(data, "fin")
        with running(surehop, server(upstream=servers(origin))) as subject:
            with Raw(subject.port) as client:
                client.send(GET).until(b"half")
                assert client.end() == "fin"
                assert b"0\r\n\r\n" not in client.left(), "it must not look whole"
            (line,) = told(subject)
            assert line.startswith(f"[error] {text}, client: ")


@pytest.mark.parametrize("extra", [b"more", b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"])
def test_what_nobody_asked_for_reaches_nobody(surehop: Program, extra: bytes) -> None:
    """Bytes behind an answer are no answer to the next request: the connection is given up."""
    with Scripted() as origin:
        origin.play(OK + extra)
        with running(surehop, server(upstream=servers(origin))) as subject:
            with Raw(subject.port) as client:
                for _ in range(3):
                    status, _, body = client.answer()
                    assert (status, body) == (200, b"ok\n")
            assert [r.connection for r in origin.take()] == [1, 2, 3]
            text = 'upstream sent more data than specified in "Content-Length" header'
            assert all(f"[warn] {text}" in line for line in told(subject, 3))


def test_late_bytes_reach_nobody(surehop: Program) -> None:
    """An answer that comes by itself on an idle connection."""
    go, gone = threading.Event(), threading.Event()
    with Scripted() as origin:
        origin.play(OK, go, b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", gone)
        with (
            running(surehop, server(upstream=servers(origin))) as subject,
            Raw(subject.port) as client,
        ):
            assert client.answer()[2] == b"ok\n"
            go.set()
            gone.set()
            origin.wait_closed()
            origin.play()
            assert client.answer()[2] == b"ok\n"
            assert told(subject, 0) == []
