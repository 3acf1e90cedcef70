"""An answer is received ahead of a slow client, into a file; the upstream is done with early."""

import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from raw import Raw, get
from scripted import Scripted
from surehop.lab.subjects import Program, Subject
from waiting import eventually

_BODY = bytes(range(256)) * (16 << 12)  # 16 MB: more than sockets hold
_HTTP = """
    upstream kept { server 127.0.0.1:ORIGIN; }
    server {
        listen 127.0.0.1:@PORT@;
        location / { proxy_pass http://kept; }
        location /memory/ { proxy_pass http://kept; proxy_max_temp_file_size 0; }
        location /little/ { proxy_pass http://kept; proxy_max_temp_file_size 64k; }
        location /off/ { proxy_pass http://kept; proxy_buffering off; }
        location /files/ { proxy_pass http://kept; proxy_temp_path other 2; }
    }
"""
_SIZED = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(_BODY)
_CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
_LINE = re.compile(r"temporary file (\S+) while reading upstream, client: .*, upstream: \"http://")


@pytest.fixture(params=["nginx", "surehop_nginx"])
def subject(request: pytest.FixtureRequest) -> Iterator[tuple[Scripted, Subject]]:
    program: Program = request.getfixturevalue(request.param)
    with (
        Scripted() as origin,
        Subject(program, _HTTP.replace("ORIGIN", str(origin.port))) as running,
    ):
        yield origin, running


def files(subject: Subject) -> list[str]:
    found = [_LINE.search(line) for line in subject.error_log()]
    return [file[1] for file in found if file]


@pytest.mark.parametrize("target", ["/", "/files/"])
def test_the_upstream_is_done_with_before_the_client(
    subject: tuple[Scripted, Subject], target: str
) -> None:
    origin, running = subject
    sent = threading.Event()
    origin.play(_SIZED + _BODY[:-1], sent, _BODY[-1:])
    with Raw(running.port) as client:
        client.send(get(target, close=True)).until(b"\r\n\r\n")
        eventually(lambda: files(running) != [])
        sent.set()
        # The origin has sent all: its connection serves another request meanwhile.
        eventually(lambda: len(origin.take()) > 0)
        origin.play()
        with Raw(running.port) as other:
            assert other.answer(get("/", close=True))[0] == 200
        assert client.rest() == _BODY
    (path,) = files(running)
    folder = running.prefix / ("other" if target == "/files/" else "proxy_temp")
    levels = 1 if target == "/files/" else 2
    assert len(Path(path).relative_to(folder).parts) == levels + 1
    assert not Path(path).exists()


def test_chunks_are_put_together_again(subject: tuple[Scripted, Subject]) -> None:
    origin, running = subject
    sent = threading.Event()
    size = 1 << 20
    pieces = [_BODY[at : at + size] for at in range(0, len(_BODY), size)]
    chunks = [b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces]
    origin.play(_CHUNKED, *chunks, sent, b"0\r\n\r\n")
    with Raw(running.port) as client:
        client.send(get("/", close=True)).until(b"\r\n\r\n")
        eventually(lambda: files(running) != [])
        sent.set()
        assert unchunked(client.rest()) == _BODY


def unchunked(raw: bytes) -> bytes:
    body: list[bytes] = []
    at = 0
    while True:
        end = raw.index(b"\r\n", at)
        size = int(raw[at:end], 16)
        if not size:
            return b"".join(body)
        body.append(raw[end + 2 : end + 2 + size])
        at = end + 4 + size


@pytest.mark.parametrize("target", ["/memory/", "/off/"])
def test_nothing_is_put_into_a_file(subject: tuple[Scripted, Subject], target: str) -> None:
    origin, running = subject
    body = _BODY[: 1 << 20]
    origin.play(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
    with Raw(running.port) as client:
        client.send(get(target, close=True)).until(b"\r\n\r\n")
        assert client.rest() == body
    assert files(running) == []


def test_a_file_has_an_end(subject: tuple[Scripted, Subject]) -> None:
    origin, running = subject
    origin.play(_SIZED + _BODY)
    with Raw(running.port) as client:
        client.send(get("/little/", close=True)).until(b"\r\n\r\n")
        eventually(lambda: files(running) != [])
        assert client.rest() == _BODY


def test_an_upstream_that_breaks_off_is_told_of(subject: tuple[Scripted, Subject]) -> None:
    origin, running = subject
    origin.play(_SIZED + _BODY[:-1], "fin")
    with Raw(running.port) as client:
        client.send(get("/", close=True)).until(b"\r\n\r\n")
        eventually(lambda: files(running) != [])
        eventually(lambda: any("prematurely closed" in line for line in running.error_log()))
        assert client.rest() == _BODY[:-1]
