"""`gzip` over streams: what has come reaches the client, and what was saved is told."""

import threading
import zlib
from collections.abc import Iterator

import pytest
from front import running, server, servers

from raw import Raw
from scripted import Scripted
from surehop.lab.subjects import Program, Subject
from waiting import eventually

GZIP = "gzip on; gzip_types *; gzip_min_length 1;"
ASK = b"GET / HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"
HEAD = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"


def unchunked(raw: bytes) -> bytes:
    """The data of the chunks that have come whole."""
    data = b""
    while b"\r\n" in raw:
        size, _, rest = raw.partition(b"\r\n")
        length = int(size, 16)
        if len(rest) < length + 2:
            break
        data, raw = data + rest[:length], rest[length + 2 :]
    return data


def plain(packed: bytes) -> bytes:
    return zlib.decompressobj(wbits=zlib.MAX_WBITS | 16).decompress(packed)


@pytest.fixture(scope="module", params=["", "proxy_buffering off;"], ids=["buffered", "unbuffered"])
def front(surehop: Program, request: pytest.FixtureRequest) -> Iterator[tuple[Subject, Scripted]]:
    with Scripted() as origin:
        conf = server(f"{GZIP} {request.param}", upstream=servers(origin))
        with running(surehop, conf) as subject:
            yield subject, origin


def test_a_stream_that_pauses_is_flushed(front: tuple[Subject, Scripted]) -> None:
    subject, origin = front
    first, second = threading.Event(), threading.Event()
    origin.play(HEAD + b"3\r\none\r\n", first, b"3\r\ntwo\r\n", second, b"0\r\n\r\n")
    with Raw(subject.port) as client:
        client.send(ASK)
        came = client.until(b"\r\n\r\n").partition(b"\r\n\r\n")[2]
        for expected, event in ((b"one", first), (b"onetwo", second)):
            while plain(unchunked(came)) != expected:
                came += client.until(b"\r\n")
            event.set()
        came += client.rest()
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    assert unpacker.decompress(unchunked(came)) == b"onetwo"
    assert unpacker.eof


def test_much_comes_whole(front: tuple[Subject, Scripted]) -> None:
    subject, origin = front
    body = b"".join(b"%d\n" % (n * n % 7919) for n in range(300_000))
    origin.play(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body), body)
    with Raw(subject.port) as client:
        came = client.send(ASK).rest().partition(b"\r\n\r\n")[2]
    assert plain(unchunked(came)) == body
    assert len(came) < len(body)


def test_the_ratio_is_logged(surehop: Program) -> None:
    http = f"""
        server {{ listen 127.0.0.1:@PORT@; {GZIP}
            location / {{ return 200 "{"x" * 4000}"; }}
            location /not {{ gzip off; return 200 x; }} }}"""
    with Subject(surehop, http, variables=" ratio=$gzip_ratio") as subject:
        with Raw(subject.port) as client:
            came = client.send(ASK).rest().partition(b"\r\n\r\n")[2]
        with Raw(subject.port) as client:
            client.send(ASK.replace(b"GET /", b"GET /not")).rest()
        eventually(lambda: len(subject.access_log()) == 2)
        packed, bare = subject.access_log()
    assert float(packed.rpartition("ratio=")[2]) == pytest.approx(4000 / len(unchunked(came)), 0.01)
    assert bare.endswith("ratio=-")
