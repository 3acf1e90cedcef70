"""How clients' connections go on or end, against nginx: unwanted bodies, lingering, resets.

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
    lingering_timeout 150ms;
    keepalive_timeout 100ms;
    client_header_timeout 150ms;
    client_body_timeout 150ms;
    server {
        listen 127.0.0.1:@PORT@;
        location /marker/ { return 204; }
        location / { return 200 "own\\n"; }
        location /missing/ { return 404; }
        location /moved/ { return 302 /; }
        location /drop/ { return 444; }
        location /limited/ { client_max_body_size 5; return 200; }
        location /up/ { proxy_pass http://127.0.0.1:ORIGIN; }
        location /up-limited/ {
            client_max_body_size 5;
            error_page 413 /up/;
            proxy_pass http://127.0.0.1:ORIGIN;
        }
        location /down/ { proxy_pass http://127.0.0.1:REFUSED; }
        location /off/ { lingering_close off; return 200; }
        location /always/ { lingering_close always; return 200; }
        location /briefly/ { lingering_time 0; return 200; }
        location /reset/ {
            reset_timedout_connection on;
            location /reset/drop/ { return 444; }
            location /reset/own/ { return 200; }
            proxy_pass http://127.0.0.1:ORIGIN;
        }
        location /once/ { keepalive_requests 1; return 200; }
    }
"""
_LOGGED = ("request", "status", "body_bytes_sent", "request_completion", "connection_requests")
_PLACES = (
    *("/", "/missing/", "/moved/", "/limited/", "/off/", "/always/", "/briefly/", "/once/", "/up/"),
    *("/down/", "/drop/", "/reset/drop/"),
)
_PASSED = (*_PLACES, "/up-limited/")
NEXT = get("/next")


def sized(target: str, size: int, *lines: str, close: bool = False) -> bytes:
    body = b"x" * size
    return ask("POST", target, f"Content-Length: {size}", *lines, close=close, body=body)


def chunked(target: str, *, close: bool = False) -> bytes:
    lines = "Transfer-Encoding: chunked"
    return ask("POST", target, lines, close=close, body=b"a\r\n0123456789\r\n0\r\n\r\n")


CASES = [
    *(Case(f"{at} and another", sized(at, 10) + NEXT) for at in _PASSED),
    *(Case(f"{at} closed", sized(at, 10, close=True) + NEXT) for at in _PASSED),
    *(Case(f"{at} chunked", chunked(at) + NEXT) for at in _PASSED),
    *(Case(f"{at} cut off", sized(at, 10)[:-5]) for at in _PLACES),
    *(Case(f"{at} cut off and closed", sized(at, 10, close=True)[:-5]) for at in _PLACES),
    *(Case(f"{at} half closed", sized(at, 10)[:-5], half_close=True) for at in _PLACES[:-2]),
    *(Case(f"{at} chunks cut off", chunked(at)[:-8]) for at in _PLACES),
    Case("large", sized("/", 900_000) + NEXT),
    Case("large and missing", sized("/missing/", 900_000) + NEXT),
    Case("bad chunks", chunked("/").replace(b"a\r\n", b"zz\r\n", 1) + NEXT),
    Case("bad chunks, missing", chunked("/missing/").replace(b"a\r\n", b"zz\r\n", 1) + NEXT),
    Case("reset in a head", b"GET /reset/ HTTP/1.1\r\nHost: first\r\n"),
    Case("bad request", b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n" + NEXT),
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
def test_endings_like_nginx(benches: tuple[Bench, Bench], case: Case) -> None:
    theirs, ours = (bench.run(case).lines() for bench in benches)
    assert ours == theirs, f"\n{unlike(theirs, ours)}"
