"""What is said of an answer before its body, against nginx: heads of pages and of relayed answers,
and `$sent_http_…`. What is compared stands in test_relay_like_nginx.py.
"""

from collections.abc import Iterator

import pytest
from likeness import Bench, Case, unlike, variables
from relay_setup import ask, head, sized

from scripted import Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject

HTTP = """
    keepalive_timeout 5s 7s;
    server {
        listen 127.0.0.1:@PORT@;
        location /marker/ { return 204; }
        location / { proxy_pass http://127.0.0.1:ORIGIN; }
        location /shown/ {
            proxy_pass http://127.0.0.1:ORIGIN;
            proxy_pass_header Server;
            proxy_pass_header Date;
        }
        location /relative/ { absolute_redirect off; return 302 /x; }
        location /moved/ { return 301 /x; }
        location /away/ { return http://elsewhere.example/x; }
        location /gone/ { return 410; }
        location /none/ { return 204; }
        location /unknown/ { return 418; }
        location /dropped/ { return 444; }
        location /failed/ { proxy_pass http://127.0.0.1:REFUSED; error_page 502 =204 /none; }
        location /empty/ { proxy_pass http://127.0.0.1:REFUSED; error_page 502 = /204; }
        location = /204 { return 204; }
        location = /none { proxy_pass http://127.0.0.1:ORIGIN; }
    }
"""

LOGGED = variables(
    tuple(
        f"sent_http_{name}"
        for name in (
            *("server", "date", "content_type", "content_length", "last_modified", "location"),
            *("connection", "keep_alive", "transfer_encoding", "cache_control", "link", "x_one"),
            *("set_cookie", "etag", "accept_ranges"),
        )
    )
)

MUCH = (
    *("Server: theirs", "Date: Thu, 01 Jan 1970 00:00:00 GMT", "Last-Modified: then", "X-One: 1"),
    *("Cache-Control: a", "cache-control: b", "Link: l", "Link: m", "x-one: 2", "Set-Cookie: c=1"),
    *("Set-Cookie: d=2", 'ETag: "e"', "Accept-Ranges: bytes", "Location: /there"),
)
KIND = "Content-Type: text/html; charset=latin"
CASES = [
    *(
        Case(f"GET {target}", ask("GET", target))
        for target in (
            *("/relative/", "/moved/", "/away/", "/gone/", "/none/", "/unknown/", "/dropped/"),
            *("/failed/", "/empty/"),
        )
    ),
    *(
        Case(f"{name} {target}", ask("GET", target), answer=(answer,))
        for target in ("/", "/shown/")
        for name, answer in (
            ("much", sized(b"abc", *MUCH)),
            ("kind", sized(b"abc", KIND, "Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT")),
            ("404", sized(b"abc", *MUCH, status="404 Nowhere")),
            ("304", head("304 Not Modified", *MUCH)),
            ("204", head("204 Nothing", *MUCH, KIND)),
        )
    ),
    Case("HEAD", ask("HEAD", "/"), answer=(head("200 OK", *MUCH),), heads=(0,)),
    Case(
        "chunks",
        ask("GET", "/"),
        answer=(head("200 OK", "Transfer-Encoding: chunked") + b"1\r\na\r\n0\r\n\r\n",),
    ),
    Case(
        "chunks for HTTP/1.0",
        ask("GET", "/", "Connection: keep-alive", version="1.0", close=False),
        answer=(head("200 OK", "Transfer-Encoding: chunked") + b"1\r\na\r\n0\r\n\r\n",),
    ),
    Case("kept", [ask("GET", "/moved/", close=False) + ask("GET", "/", close=True)]),
]


@pytest.fixture(scope="module")
def benches(nginx: Program, surehop_nginx: Program) -> Iterator[tuple[Bench, Bench]]:
    with Scripted() as origin, Port() as refused:
        http = HTTP.replace("ORIGIN", str(origin.port)).replace("REFUSED", str(refused.number))
        with (
            Subject(nginx, http, variables=LOGGED) as theirs,
            Subject(surehop_nginx, http, variables=LOGGED) as ours,
        ):
            yield Bench(nginx, theirs, origin), Bench(surehop_nginx, ours, origin)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_like_nginx(benches: tuple[Bench, Bench], case: Case) -> None:
    theirs, ours = (bench.run(case).lines() for bench in benches)
    told = unlike(theirs, ours)
    assert not told, f"\n{told}"
