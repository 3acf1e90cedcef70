"""What crosses a `proxy_pass`, against nginx: methods, bodies and header lines that are replaced,
hidden or let through. What is compared stands in test_relay_like_nginx.py.
"""

from collections.abc import Iterator

import pytest
from likeness import Bench, Case, unlike, variables
from relay_setup import LOGGED, ask, get, sized

from scripted import Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject

HTTP = """
    proxy_hide_header X-Http;
    upstream kept { server 127.0.0.1:ORIGIN; }
    server {
        listen 127.0.0.1:@PORT@;
        proxy_set_header X-Set $host;
        location /marker/ { return 204; }
        location / { proxy_pass http://kept; }
        location /method/ { proxy_pass http://kept; proxy_method REPORT; }
        location /method-var/ { proxy_pass http://kept; proxy_method $http_x_method; }
        location /method-get/ { proxy_pass http://kept; proxy_method GET; }
        location /method-head/ { proxy_pass http://kept; proxy_method HEAD; }
        location /body/ { proxy_pass http://kept; proxy_set_body "own $request_uri"; }
        location /body-limited/ {
            proxy_pass http://kept;
            proxy_set_body own;
            client_max_body_size 3;
        }
        location /body-failed/ {
            proxy_pass http://127.0.0.1:REFUSED;
            proxy_set_body own;
            error_page 502 = /fallback/;
        }
        location /lost/ { proxy_pass http://127.0.0.1:REFUSED; error_page 502 = /fallback/; }
        location /body-empty/ { proxy_pass http://kept; proxy_set_body ""; }
        location /bare/ { proxy_pass http://kept; proxy_pass_request_headers off; }
        location /bodiless/ {
            proxy_pass http://kept;
            proxy_pass_request_body off;
            proxy_set_header Content-Length "";
        }
        location /hide/ { proxy_pass http://kept; proxy_hide_header X-One; proxy_hide_header ETag; }
        location /show/ {
            proxy_pass http://kept;
            proxy_pass_header date;
            proxy_pass_header X-Accel-Charset;
        }
        location /show-server/ { proxy_pass http://kept; proxy_pass_header Server; }
        location /both/ {
            proxy_pass http://kept;
            proxy_hide_header X-One;
            proxy_pass_header X-One;
        }
        location /probed/ { proxy_pass http://kept; proxy_socket_keepalive on; }
        location /patient/ { proxy_pass http://kept; proxy_ignore_client_abort on; }
    }
"""
LINES = (
    "X-One: 1",
    "X-HTTP: 2",
    "ETag: x",
    "X-Accel-Charset: utf-8",
    "X-Pad: avoid",
    "Date: Thu, 01 Jan 1970 00:00:00 GMT",
    "Server: theirs/1",
)
CASES = [
    Case("method", get("/method/")),
    Case("method-with-body", ask("POST", "/method/", "Content-Length: 4", body=b"abcd")),
    Case("method-variable", get("/method-var/", "X-Method: PURGE")),
    Case("body-for-post", ask("POST", "/body/x", "Content-Length: 4", body=b"abcd")),
    Case("body-for-get", get("/body/x?y")),
    Case(
        "body-for-chunked",
        ask("PUT", "/body/", "Transfer-Encoding: chunked", body=b"2\r\nxy\r\n0\r\n\r\n"),
    ),
    Case("body-kept-alive", get("/body/1", close=False) + get("/body/2")),
    Case(
        "body-too-large",
        ask("PUT", "/body-limited/", "Transfer-Encoding: chunked", body=b"4\r\nwxyz\r\n0\r\n\r\n"),
    ),
    Case("body-stays-in-its-location", get("/body-failed/", close=False) + get("/x")),
    Case(
        "lost-and-sent-again",
        ask("PUT", "/lost/", "Content-Length: 50000", body=b"x" * 50000),
    ),
    Case("headers-off", get("/bare/", "X-Client: 1", "Accept: a")),
    Case("headers-off-body", ask("POST", "/bare/", "Content-Length: 4", body=b"abcd")),
    Case("body-off", ask("POST", "/bodiless/", "Content-Length: 4", body=b"abcd")),
    Case(
        "body-off-then-more",
        ask("POST", "/bodiless/", "Content-Length: 4", body=b"abcd", close=False)
        + get("/bodiless/"),
    ),
    Case("hidden-by-outer", get("/"), [sized(b"ok\n", *LINES)]),
    Case("hidden", get("/hide/"), [sized(b"ok\n", *LINES)]),
    Case("shown", get("/show/"), [sized(b"ok\n", *LINES)]),
    Case("shown-but-absent", get("/show/"), [sized(b"ok\n")]),
    Case("hidden-and-shown", get("/both/"), [sized(b"ok\n", *LINES)]),
    Case("probed", get("/probed/")),
    Case("patient", get("/patient/")),
]
_VARIABLES = variables(LOGGED)


@pytest.fixture(scope="module")
def benches(nginx: Program, surehop_nginx: Program) -> Iterator[tuple[Bench, Bench]]:
    with Scripted() as origin, Port() as refused:
        http = HTTP.replace("ORIGIN", str(origin.port)).replace("REFUSED", str(refused.number))
        with (
            Subject(nginx, http, variables=_VARIABLES) as theirs,
            Subject(surehop_nginx, http, variables=_VARIABLES) as ours,
        ):
            yield Bench(nginx, theirs, origin), Bench(surehop_nginx, ours, origin)


def test_a_server_line_is_let_through(benches: tuple[Bench, Bench]) -> None:
    """Apart from the rest, since the lengths that are logged are compared without the product."""
    for answer, shown in (sized(b"ok\n", "Server: theirs/1"), True), (sized(b"ok\n"), False):
        for bench in benches:
            lines = bench.run(Case("server", get("/show-server/"), [answer])).lines()
            servers = [line for line in lines if line.startswith("answer 0: Server")]
            assert servers == (["answer 0: Server: theirs/1"] if shown else [])


def test_an_empty_method_is_the_clients(benches: tuple[Bench, Bench]) -> None:
    """nginx sends a request line without a method, which is no request line."""
    lines = benches[1].run(Case("empty", get("/method-var/"))).lines()
    assert "upstream 0: GET /method-var/ HTTP/1.1" in lines


def test_a_head_that_went_as_get_leaves_no_body_behind(benches: tuple[Bench, Bench]) -> None:
    requests = ask("HEAD", "/method-get/", close=False) + get("/method-get/")
    for bench in benches:
        case = Case("head-as-get", requests, [sized(b"body")], heads=[0])
        answers = [line for line in bench.run(case).lines() if " HTTP/1.1 " in line[:24]]
        assert answers == ["answer 0: HTTP/1.1 200 OK", "answer 1: HTTP/1.1 200 OK"]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_crossing_like_nginx(benches: tuple[Bench, Bench], case: Case) -> None:
    theirs, ours = (bench.run(case).lines() for bench in benches)
    assert ours == theirs, f"\n{unlike(theirs, ours)}"
