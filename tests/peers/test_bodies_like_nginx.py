"""Request bodies on their way in, against nginx: in memory or in a file, whole or as they come.

What is compared stands in test_relay_like_nginx.py.
"""

from collections.abc import Iterator

import pytest
from likeness import Bench, Case, unlike, variables
from relay_setup import ask, get

from scripted import Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject

HTTP = """
    upstream kept { server 127.0.0.1:ORIGIN; }
    upstream two { server 127.0.0.1:REFUSED max_fails=0; server 127.0.0.1:ORIGIN max_fails=0; }
    client_body_buffer_size 1k;
    client_body_timeout 300ms;
    server {
        listen 127.0.0.1:@PORT@;
        location /marker/ { return 204; }
        location / { proxy_pass http://kept; }
        location /two/ { proxy_pass http://two; }
        location /file/ {
            client_body_in_file_only clean;
            client_body_temp_path levels 1 2;
            proxy_pass http://kept;
        }
        location /stays/ { client_body_in_file_only on; proxy_pass http://two; }
        location /single/ { client_body_in_single_buffer on; proxy_pass http://kept; }
        location /default/ { client_body_buffer_size 16k; proxy_pass http://kept; }
        location /stream/ { proxy_request_buffering off; proxy_pass http://kept; }
        location /stream-two/ { proxy_request_buffering off; proxy_pass http://two; }
        location /stream-old/ {
            proxy_request_buffering off;
            proxy_http_version 1.0;
            proxy_pass http://kept;
        }
        location /own/ { proxy_pass http://kept; proxy_set_body "<$request_body>"; }
        location /none/ {
            proxy_pass http://kept;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
        }
        location /limited/ { client_max_body_size 2000; proxy_pass http://kept; }
        location /page/ { error_page 502 = /page-for-it/; proxy_pass http://127.0.0.1:REFUSED; }
        location /page-for-it/ { proxy_pass http://kept; }
        location /unread/ { return 200 "$request_body|$request_body_file|$content_length"; }
    }
"""
_LOGGED = (
    *("request_body", "request_body_file", "request_length", "content_length", "status"),
    *("upstream_addr", "upstream_status", "request_method"),
)


def post(target: str, size: int, *lines: str, close: bool = True) -> bytes:
    body = bytes(97 + at % 26 for at in range(size))
    return ask("POST", target, f"Content-Length: {size}", *lines, body=body, close=close)


def chunked(target: str, size: int, piece: int) -> bytes:
    body = b"z" * size
    pieces = (body[at : at + piece] for at in range(0, size, piece))
    framed = b"".join(b"%x\r\n%b\r\n" % (len(p), p) for p in pieces)
    return ask("PUT", target, "Transfer-Encoding: chunked", body=framed + b"0\r\n\r\n")


# What comes with the head fits the buffer for heads; a quarter more than the other fits that.
FITS = 1024 - post("/", 1000).index(b"\r\n\r\n") - 4 + 1280


_PLACES = ("/", "/two/", "/file/", "/stays/", "/single/", "/default/", "/own/", "/none/", "/page/")
_STREAMS = ("/stream/", "/stream-old/")
CASES = [
    *(Case(f"{at} {n}", post(at, n)) for at in _PLACES for n in (0, 3, 3000, 40000)),
    *(Case(f"{at} {n} in chunks", chunked(at, n, 700)) for at in _PLACES for n in (3, 3000)),
    *(Case(f"{at} {n}", post(at, n)) for at in _STREAMS for n in (0, 3, 40000)),
    *(Case(f"{at} {n} in chunks", chunked(at, n, 700)) for at in _STREAMS for n in (0, 40000)),
    *(Case(f"{at} no body", get(at)) for at in (*_PLACES, *_STREAMS)),
    Case("as much as fits", post("/", FITS - 1)),
    Case("more than fits", post("/", FITS)),
    Case("one by one", post("/", 40000, close=False) + post("/file/", 10)),
    Case("chunks that go wrong", ask("PUT", "/", "Transfer-Encoding: chunked", body=b"zzz\r\n")),
    Case("cut off", ask("POST", "/", "Content-Length: 3000", body=b"abc"), half_close=True),
    Case("cut off in a file", post("/", 5000)[:-10], half_close=True),
    Case("late", ask("POST", "/", "Content-Length: 3000", body=b"abc")),
    Case("late in a file", post("/stays/", 5000)[:-10]),
    Case("unread", post("/unread/", 10)),
    Case("unread in chunks", chunked("/unread/", 10, 5)),
    Case(
        "expected",
        [ask("POST", "/", "Content-Length: 4000", "Expect: 100-continue"), b"x" * 4000],
    ),
]


@pytest.fixture(scope="module")
def benches(nginx: Program, surehop_nginx: Program) -> Iterator[tuple[Bench, Bench]]:
    with Scripted() as origin, Port() as refused:
        http = HTTP.replace("ORIGIN", str(origin.port)).replace("REFUSED", str(refused.number))
        with (
            Subject(nginx, http, variables=variables(_LOGGED)) as theirs,
            Subject(surehop_nginx, http, variables=variables(_LOGGED)) as ours,
        ):
            yield Bench(nginx, theirs, origin), Bench(surehop_nginx, ours, origin)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bodies_like_nginx(benches: tuple[Bench, Bench], case: Case) -> None:
    theirs, ours = (bench.run(case).lines() for bench in benches)
    assert ours == theirs, f"\n{unlike(theirs, ours)}"


def test_what_a_file_only_holds(benches: tuple[Bench, Bench]) -> None:
    """A file that stays has the body in it, and one that does not is gone with its request."""
    for bench in benches:
        bench.run(Case("one", post("/stays/", 3000)))
        stays = sorted((bench.prefix / "client_body_temp").rglob("0*"))
        assert len(stays[-1].read_bytes()) == 3000
        bench.run(Case("another", post("/file/", 3000)))
        levels = list((bench.prefix / "levels").rglob("*"))
        assert [path for path in levels if path.is_file()] == []
        assert {path.stat().st_mode & 0o777 for path in levels} == {0o700}
