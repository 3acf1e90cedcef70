"""The origin as a correct HTTP/1.1 server."""

import hashlib
import json
import time
from pathlib import Path

import pytest

from raw import GET, Raw
from surehop.lab.origins import Origin


def request(target: str, method: str = "GET", headers: str = "", body: bytes = b"") -> bytes:
    length = f"Content-Length: {len(body)}\r\n" if body else ""
    return f"{method} {target} HTTP/1.1\r\nHost: o\r\n{headers}{length}\r\n".encode() + body


def test_ordinary_answer(origin: Origin) -> None:
    with Raw(origin.port) as raw:
        status, headers, body = raw.answer()
    assert (status, body) == (200, b"ok\n")
    assert headers["connection"] == "keep-alive"
    assert headers["keep-alive"] == "timeout=5"
    assert "date" in headers


def test_a_connection_carries_many_pipelined_requests(origin: Origin) -> None:
    with Raw(origin.port) as raw:
        raw.send(request("/bytes/5") + request("/status/404") + request("/bytes/2"))
        answers = [raw.answer(b"") for _ in range(3)]
    assert [(status, body) for status, _, body in answers] == [
        (200, b'!"#$%'),
        (404, b"404\n"),
        (200, b'!"'),
    ]
    assert [d.nth for d in origin.stats().deliveries] == [1, 2, 3]
    assert origin.stats().connections == 1


def test_echo_tells_what_was_received(origin: Origin) -> None:
    body = bytes(range(256)) * 1000
    with Raw(origin.port) as raw:
        sent = request("/echo?a=1", "PUT", "X-One: 1\r\nx-one:  2 \r\n", body)
        status, headers, text = raw.answer(sent)
    told = json.loads(text)
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert told["method"] == "PUT"
    assert told["target"] == "/echo?a=1"
    assert told["headers"][1:3] == [["X-One", "1"], ["x-one", "2"]]
    assert told["body"] == {"length": 256_000, "sha256": hashlib.sha256(body).hexdigest()}


def test_chunked_request_body(origin: Origin) -> None:
    chunks = b"3\r\nabc\r\n4;note=x\r\ndefg\r\n0\r\nTrailer: t\r\n\r\n"
    with Raw(origin.port) as raw:
        sent = request("/echo", "POST", "Transfer-Encoding: chunked\r\n")
        told = json.loads(raw.answer(sent + chunks)[2])
        assert told["body"] == {"length": 7, "sha256": hashlib.sha256(b"abcdefg").hexdigest()}
        assert raw.answer()[0] == 200


def test_chunked_answer_and_the_request_after_it(origin: Origin) -> None:
    with Raw(origin.port) as raw:
        assert raw.send(request("/chunked/2500")).head()[1]["transfer-encoding"] == "chunked"
        sizes, size = [], -1
        while size:
            size = int(raw.until(b"\r\n"), 16)
            sizes.append(size)
            assert len(raw.until(b"\r\n")) == size + 2
        assert sizes == [1000, 1000, 500, 0]
        assert raw.answer()[0] == 200


def test_a_big_answer_is_streamed_whole(origin: Origin) -> None:
    with Raw(origin.port) as raw:
        _, _, body = raw.answer(request("/bytes/1000000"))
    assert len(body) == 1_000_000
    assert all(body[i] == 33 + i % 65536 % 94 for i in range(65536))


@pytest.mark.parametrize("status", [204, 304])
def test_bodiless_statuses(origin: Origin, status: int) -> None:
    with Raw(origin.port) as raw:
        got, headers = raw.send(request(f"/status/{status}")).head()
        assert got == status
        assert "content-length" not in headers
        assert raw.answer()[2] == b"ok\n"


def test_head_has_the_length_and_no_body(origin: Origin) -> None:
    with Raw(origin.port) as raw:
        assert raw.send(request("/bytes/9", "HEAD")).head()[1]["content-length"] == "9"
        assert raw.answer()[2] == b"ok\n"


@pytest.mark.parametrize("early", [100, 103])
def test_early_answers_come_first(origin: Origin, early: int) -> None:
    with Raw(origin.port) as raw:
        raw.send(request(f"/early?status={early}"))
        assert raw.head()[0] == early
        assert raw.answer(b"")[0] == 200


def test_expect_continue_is_answered_before_the_body(origin: Origin) -> None:
    with Raw(origin.port) as raw:
        raw.send(request("/echo", "PUT", "Expect: 100-continue\r\nContent-Length: 2\r\n"))
        assert raw.head()[0] == 100
        assert json.loads(raw.answer(b"hi")[2])["body"]["length"] == 2


def test_slow_and_drip_take_their_time(origin: Origin) -> None:
    with Raw(origin.port) as raw:
        before = time.monotonic()
        assert raw.answer(request("/slow?ms=30"))[0] == 200
        slow = time.monotonic()
        assert raw.answer(request("/drip/4?ms=10"))[2] == b'!"#$'
        assert slow - before >= 0.03
        assert time.monotonic() - slow >= 0.03


def test_http10_clients(origin: Origin) -> None:
    with Raw(origin.port) as raw:
        head, headers, _ = raw.answer(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert (head, headers["connection"]) == (200, "keep-alive")
        raw.send(b"GET /chunked/3 HTTP/1.0\r\n\r\n")
        assert raw.head()[1]["connection"] == "close"
        assert raw.rest() == b'!"#'


def test_http10_answers() -> None:
    with Origin(http10=True) as origin, Raw(origin.port) as raw:
        text = raw.send(GET).rest()
    assert text.startswith(b"HTTP/1.0 200 OK\r\n")
    assert b"Content-Length" not in text
    assert text.endswith(b"\r\n\r\nok\n")


def test_request_ids_come_back_and_are_counted(origin: Origin) -> None:
    with Raw(origin.port) as raw:
        for name in ("a", "b", "a"):
            headers = raw.answer(request("/", headers=f"X-Request-Id: {name}\r\n"))[1]
            assert headers["x-request-id"] == name
    stats = origin.stats()
    assert stats.ids == {"a": 2, "b": 1}
    assert stats.paths == {"/": 3}
    assert [d.id for d in stats.deliveries] == ["a", "b", "a"]


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"GET /\r\n\r\n", 400),
        (b"GET / HTTP/2.0\r\nHost: o\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: o\r\nHost: p\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: o\r\nBad Name: x\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: o\r\n folded\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: o\r\nA: \0\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: o\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: o\r\nContent-Length: -1\r\n\r\n", 400),
        (
            b"GET / HTTP/1.1\r\nHost: o\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        (b"GET / HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\nz\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nabc\r\n", 400),
        (b"GET / HTTP/1.1\r\nHost: o\r\nA: " + b"x" * 70_000, 431),
    ],
)
def test_doubtful_requests_are_refused(origin: Origin, sent: bytes, status: int) -> None:
    with Raw(origin.port) as raw:
        got, headers = raw.send(sent).head()
        assert got == status
        assert headers["connection"] == "close"
        assert raw.end() in ("fin", "rst")


def test_unix_socket(tmp_path: Path) -> None:
    path = str(tmp_path / "origin.sock")
    with Origin(unix=path, listen="none") as origin:
        assert origin.addresses == [f"unix:{path}"]
        with Raw(0, unix=path) as raw:
            assert raw.answer()[0] == 200
    assert not Path(path).exists()
