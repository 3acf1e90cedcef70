"""Clients' heads against nginx: their size, what is taken for a line, which server says so.

What is compared stands in test_relay_like_nginx.py.
"""

from collections.abc import Iterator

import pytest
from likeness import Bench, Case, unlike, variables
from relay_setup import ask, get

from scripted import Scripted
from surehop.lab.subjects import Program, Subject

HTTP = """
    client_header_timeout 400ms;
    server {
        listen 127.0.0.1:@PORT@;
        server_name first;
        client_header_buffer_size 256;
        large_client_header_buffers 2 600;
        max_headers 12;
        location /marker/ { return 204; }
        location / { return 200 "$server_name $http_x_one $http_x_two|$http_x__three\\n"; }
        location /up/ { proxy_pass http://127.0.0.1:ORIGIN; }
        location /safari/ { keepalive_disable safari; return 200; }
        location /all/ { keepalive_disable none; return 200; }
        location /page/ { return 404; }
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name large;
        large_client_header_buffers 3 2000;
        underscores_in_headers on;
        max_headers 30;
        location / { return 200 "$server_name $http_x_one $http_x_two\\n"; }
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name lax;
        ignore_invalid_headers off;
        location / { proxy_pass http://127.0.0.1:ORIGIN; }
    }
"""
_LOGGED = (
    *("request", "status", "request_length", "server_name", "host", "http_host", "http_x_one"),
    *("uri", "args", "request_method", "sent_http_connection"),
)
_AGENTS = {
    "msie6": "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1)",
    "msie6-sv1": "Mozilla/4.0 (compatible; MSIE 6.0; Windows NT 5.1; SV1)",
    "msie5": "Mozilla/4.0 (compatible; MSIE 5.5; Windows 98)",
    "msie7": "Mozilla/4.0 (compatible; MSIE 7.0; Windows NT 6.0)",
    "opera": "Mozilla/4.0 (compatible; MSIE 6.0; Opera 8)",
    "safari": "Mozilla/5.0 (Macintosh; Intel Mac OS X) AppleWebKit/600 Safari/600",
    "chrome": "Mozilla/5.0 (Macintosh; Intel Mac OS X) AppleWebKit/600 Chrome/100 Safari/600",
}


def line(name: str, length: int) -> str:
    """A header line of that many bytes, its end included."""
    return f"{name}: " + "h" * (length - len(name) - 4)


def headed(host: str, *lengths: int) -> bytes:
    lines = (line(f"X-{at}", length) for at, length in enumerate(lengths))
    return ask("GET", "/", *lines, host=host)


CASES = [
    *(Case(f"line of {n}", get("/" + "u" * (n - 15))) for n in (254, 255, 257, 598, 599, 601, 900)),
    *(Case(f"header of {n}", headed("first", n)) for n in (256, 599, 600, 602, 1500)),
    *(
        Case(f"header of {n} for another server", headed("large", n))
        for n in (600, 1999, 2000, 2002, 3000)
    ),
    Case("two buffers", headed("first", 500, 500)),
    Case("three buffers", headed("first", 500, 500, 500)),
    Case("two buffers, filled", headed("first", 200, 400, 200, 400)),
    Case("two buffers, more", headed("first", 200, 300, 310, 320, 330)),
    Case("three buffers for another server", headed("large", 900, 900, 900, 900)),
    Case("five buffers for another server", headed("large", *[1500] * 5)),
    Case("another server by its target", ask("GET", "http://large/", line("X-One", 1500))),
    Case(
        "too large before the host", get("/", line("X-One", 1500)).replace(b"Host: first\r\n", b"")
    ),
    Case("unfinished line", b"GET /" + b"u" * 700),
    Case("unfinished header", ask("GET", "/")[:-4] + b"X: " + b"h" * 700),
    *(Case(f"{n} lines", headed("first", *[10] * n)) for n in (10, 11, 30)),
    *(Case(f"{n} lines elsewhere", headed("large", *[10] * n)) for n in (28, 29)),
    Case("invalid lines count too", ask("GET", "/", *["a_b: c"] * 12)),
    Case("underscores", get("/", "X_One: 1", "X-Two: 2", "X__Three: 3")),
    Case("underscores taken", ask("GET", "/", "X_One: 1", "X-Two: 2", "X!Three: 3", host="large")),
    Case("underscore before the host", b"GET / HTTP/1.0\r\nX_One: 1\r\nHost: large\r\n\r\n"),
    Case("anything taken", ask("GET", "/", "X_One: 1", "X!Two: 2", "X.Three: 3", host="lax")),
    Case("nothing taken", ask("GET", "/up/", "X_One: 1", "X!Two: 2", "X.Three: 3")),
    Case("pipelined large ones", headed("first", 500).replace(b"close", b"keep-alive") * 2),
    Case("late line", b"GET / HT"),
    Case("late head", b"GET / HTTP/1.1\r\nHost: large\r\nX-O"),
    *(
        Case(f"0.9 {n}", b"GET " + t + b"\r\n")
        for n, t in enumerate((b"/", b"/page/", b"/a?b", b"/ "))
    ),
    Case("0.9 proxied", b"GET /up/\r\n"),
    Case("0.9 with an absolute target", b"GET http://large/x\r\n"),
    Case("0.9 with LF", b"GET /\n"),
    Case("0.9 and more", b"GET /\r\nHost: large\r\n\r\n"),
    Case("0.9 POST", b"POST /\r\n"),
    Case("0.9 HEAD", b"HEAD /\r\n"),
    *(
        Case(f"{method} by {name} at {at}", ask(method, at, f"User-Agent: {agent}", close=False))
        for method in ("GET", "POST")
        for name, agent in _AGENTS.items()
        for at in ("/", "/safari/", "/all/")
    ),
]


@pytest.fixture(scope="module")
def benches(nginx: Program, surehop_nginx: Program) -> Iterator[tuple[Bench, Bench]]:
    with Scripted() as origin:
        http = HTTP.replace("ORIGIN", str(origin.port)) + " keepalive_timeout 50ms;"
        with (
            Subject(nginx, http, variables=variables(_LOGGED)) as theirs,
            Subject(surehop_nginx, http, variables=variables(_LOGGED)) as ours,
        ):
            yield Bench(nginx, theirs, origin), Bench(surehop_nginx, ours, origin)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_heads_like_nginx(benches: tuple[Bench, Bench], case: Case) -> None:
    theirs, ours = (bench.run(case).lines() for bench in benches)
    assert ours == theirs, f"\n{unlike(theirs, ours)}"
