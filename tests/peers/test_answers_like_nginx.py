"""What upstreams answer, against nginx: no heads, odd lines, bodies that lie, trailers.

What is compared stands in test_relay_like_nginx.py.
"""

from collections.abc import Iterator

import pytest
from likeness import Bench, Case, unlike, variables
from relay_setup import LOGGED, ask, get, head, sized

from scripted import OK, Scripted, Step
from surehop.lab.subjects import Program, Subject

HTTP = """
    upstream kept { server 127.0.0.1:ORIGIN; }
    upstream both { server 127.0.0.1:ORIGIN max_fails=0; server 127.0.0.1:ORIGIN max_fails=0; }
    server {
        listen 127.0.0.1:@PORT@;
        server_name first;
        location /marker/ { return 204; }
        location / { proxy_pass http://kept; }
        location /off/ { proxy_pass http://kept; proxy_buffering off; }
        location /v10/ { proxy_pass http://kept; proxy_http_version 1.0; }
        location /next/ {
            proxy_pass http://both;
            proxy_next_upstream http_403 http_404 http_429 http_500 invalid_header;
        }
        location /nextni/ { proxy_pass http://both; proxy_next_upstream http_500 non_idempotent; }
        location /nextto/ {
            proxy_pass http://both;
            proxy_next_upstream timeout;
            proxy_read_timeout 100ms;
        }
        location /nextint/ {
            proxy_pass http://both;
            proxy_next_upstream http_404;
            proxy_intercept_errors on;
            error_page 404 /page;
        }
        location /small/ { proxy_pass http://kept; proxy_buffer_size 1k; proxy_buffers 8 1k; }
        location /smalloff/ {
            proxy_pass http://kept;
            proxy_buffer_size 1k;
            proxy_buffers 8 1k;
            proxy_buffering off;
        }
        location /page { return 200 "page $upstream_status\n"; }
        location /except/ {
            limit_except GET { proxy_pass http://kept; }
            proxy_pass http://127.0.0.1:ORIGIN/x/;
        }
        location /trailers/ {
            proxy_pass http://kept;
            proxy_pass_trailers on;
            proxy_hide_header X-Hidden;
            add_trailer X-Added yes;
        }
        location /trailers-off/ {
            proxy_pass http://kept;
            proxy_pass_trailers on;
            proxy_buffering off;
        }
    }
"""


def answered(name: str, *answer: Step, target: str = "/", version: str = "1.1") -> Case:
    return Case(name, get(target, version=version), list(answer))


_CHUNKED = "Transfer-Encoding: chunked"
_TAIL = b"3\r\nabc\r\n0\r\nX-T: 1\r\nY: 2\r\nX-Hidden: h\r\nx-t: 3\r\n\r\n"

CASES = [
    answered("09", b"hello world\n", "fin"),
    answered("09 slash", b"HTTP/x\r\n\r\nabc", "fin"),
    answered("09 short", b"HT", "fin"),
    answered("09 only H", b"HTTP/1.1", "fin"),
    answered("09 nolf", b"abc", "fin"),
    answered("09 lines", b"a: b\r\n\r\nabc", "fin"),
    answered("status 99", b"HTTP/1.1 99 OK\r\n\r\nabc", "fin"),
    answered("status 2000", b"HTTP/1.1 2000 OK\r\n\r\nabc", "fin"),
    answered("v2", b"HTTP/2.0 200 OK\r\nContent-Length: 3\r\n\r\nabc"),
    answered("lf", b"HTTP/1.1 200 OK\nContent-Length: 3\nX: 1\n\nabc"),
    answered("09 next", b"hello\n", "fin", target="/next/"),
    answered("09 v10", b"hello\n", "fin", target="/v10/"),
    answered("09 to 1.0", b"hello\n", "fin", version="1.0"),
    answered("103 alone", b"HTTP/1.1 103 P\r\nX: y\r\n\r\n", "fin"),
    answered("status header", sized(b"abc", "Status: 404 Not Found")),
    answered("empty header value", sized(b"abc", "X-Up:", "X-Up: ")),
    answered("no colon", sized(b"abc", "X-Up")),
    answered("colon first", sized(b"abc", ": x")),
    answered("space name", sized(b"abc", "X Up: 1")),
    answered("folded", sized(b"abc", "X-Up: 1", " more")),
    answered("underscore", sized(b"abc", "X_Up: 1", "X.Up: 2", "X@: 3")),
    answered(
        "dup te",
        head("200 OK", "Transfer-Encoding: chunked", "Transfer-Encoding: chunked") + b"0\r\n\r\n",
    ),
    answered("te identity", head("200 OK", "Transfer-Encoding: identity") + b"abc", "fin"),
    answered("cl neg", sized(b"abc", "Content-Length: -1")),
    answered("cl empty", head("200 OK", "Content-Length: ") + b"abc", "fin"),
    answered("cl plus", head("200 OK", "Content-Length: +3") + b"abc", "fin"),
    answered("cl huge", head("200 OK", "Content-Length: 99999999999999999999") + b"abc", "fin"),
    answered("cl then 204", head("204 No", "Content-Length: 3") + b"abc"),
    answered("304 with body", head("304 No", "Content-Length: 3") + b"abc"),
    answered(
        "304 chunked", head("304 No", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n"
    ),
    answered("204 chunked", head("204 No", "Transfer-Encoding: chunked") + b"0\r\n\r\n"),
    Case("HEAD until close", ask("HEAD", "/"), [head("200 OK", "X: y")], heads=(0,)),
    answered(
        "chunk surplus", head("200 OK", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\nmore"
    ),
    answered("rst in head", b"HTTP/1.1 200 OK\r\nX:", "rst"),
    answered("empty then fin", "fin"),
    answered("surplus", sized(b"abc") + b"xyz"),
    answered(
        "off chunked",
        head("200 OK", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n",
        target="/off/",
    ),
    answered("off until close", head("200 OK"), b"abc", "fin", target="/off/"),
    answered(
        "v10 chunked",
        head("200 OK", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n",
        target="/v10/",
    ),
    answered("v10 keepalive", sized(b"abc", "Connection: keep-alive"), target="/v10/"),
    answered(
        "http10 answer chunked",
        head("200 OK", "Transfer-Encoding: chunked", version="1.0") + b"3\r\nabc\r\n0\r\n\r\n",
    ),
    *(
        answered(f"next {s}", sized(b"x", status=f"{s} X"), target="/next/")
        for s in (403, 404, 429, 500, 502)
    ),
    *(
        Case(
            f"next POST {s}",
            ask("POST", "/next/", "Content-Length: 1", body=b"x"),
            [sized(b"x", status=f"{s} X")],
        )
        for s in (404, 500)
    ),
    Case(
        "nextni POST",
        ask("POST", "/nextni/", "Content-Length: 1", body=b"x"),
        [sized(b"x", status="500 X")],
    ),
    answered("next invalid", head("200 OK", "X Bad: 1"), target="/next/"),
    answered("next timeout", "hang", target="/nextto/"),
    answered("next intercept", sized(b"x", status="404 X"), target="/nextint/"),
    answered(
        "small", head("200 OK", "X: " + "x" * 900, "Content-Length: 1") + b"x", target="/small/"
    ),
    answered("smalloff", sized(b"x" * 5000), target="/smalloff/"),
    answered("charset", sized(b"x", "X-Accel-Charset: utf-8", "Content-Type: text/html")),
    answered(
        "charset2", sized(b"x", "X-Accel-Charset: koi8-r", "Content-Type: text/html; charset=utf-8")
    ),
    answered(
        "expires",
        sized(
            b"x",
            "X-Accel-Expires: 10",
            "X-Accel-Buffering: no",
            "Expires: x",
            "Cache-Control: max-age=1",
        ),
    ),
    answered("limit rate", sized(b"x", "X-Accel-Limit-Rate: 100")),
    answered("limit rate bad", sized(b"x", "X-Accel-Limit-Rate: x")),
    answered("except GET", OK, target="/except/a"),
    Case("except POST", ask("POST", "/except/a", "Content-Length: 1", body=b"x")),
    answered("www", sized(b"x", "WWW-Authenticate: a", "WWW-Authenticate: b", status="401 U")),
    answered(
        "ranges",
        sized(b"abc", "Accept-Ranges: bytes", "Content-Range: bytes 1-2/3", status="206 P"),
    ),
    Case(
        "range req",
        get("/", "Range: bytes=1-1"),
        [sized(b"abc", "Accept-Ranges: bytes", "ETag: x")],
    ),
    Case(
        "inm",
        get("/", 'If-None-Match: "x"'),
        [sized(b"abc", 'ETag: "x"', "Last-Modified: Tue, 01 Jan 2030 00:00:00 GMT")],
    ),
    Case(
        "ims",
        get("/", "If-Modified-Since: Tue, 01 Jan 2030 00:00:00 GMT"),
        [sized(b"abc", "Last-Modified: Tue, 01 Jan 2030 00:00:00 GMT")],
    ),
    answered("date dup", sized(b"abc", "Date: a", "Date: b", "Server: x", "Server: y")),
    answered("ct dup", sized(b"abc", "Content-Type: a", "Content-Type: b")),
    answered("set-cookie", sized(b"abc", "Set-Cookie: a=1; x", "Set-Cookie: b=2")),
    answered(
        "vary",
        sized(
            b"abc",
            "Vary: a",
            "Vary: b",
            "Link: a",
            "Link: b",
            "Content-Encoding: gzip",
            "Cache-Control: a",
            "Cache-Control: b",
        ),
    ),
    answered(
        "lm dup",
        sized(
            b"abc",
            "Last-Modified: a",
            "Last-Modified: b",
            "Expires: a",
            "Expires: b",
            "Refresh: a",
            "Refresh: b",
        ),
    ),
    answered("connection", sized(b"abc", "Connection: keep-alive, close")),
    answered("connection2", sized(b"abc", "Connection: xclosey")),
    answered("trailers", head("200 OK", _CHUNKED, "Trailer: X-T") + _TAIL, target="/trailers/"),
    answered("trailers unannounced", head("200 OK", _CHUNKED) + _TAIL, target="/trailers/"),
    answered("trailers unbuffered", head("200 OK", _CHUNKED), _TAIL, target="/trailers-off/"),
    answered("trailers cut", head("200 OK", _CHUNKED), _TAIL[:20], _TAIL[20:], target="/trailers/"),
    answered("trailers of none", sized(b"abc", "Trailer: X-T"), target="/trailers/"),
]

_VARIABLES = variables(
    [
        *(*LOGGED, "upstream_trailer_x_t", "sent_trailer_x_t", "upstream_cache_status"),
        *("upstream_cookie_a", "upstream_cookie_b", "upstream_http_set_cookie"),
        *("upstream_http_cache_control", "upstream_http_date", "upstream_http_server"),
    ]
)


@pytest.fixture(scope="module")
def benches(nginx: Program, surehop_nginx: Program) -> Iterator[tuple[Bench, Bench]]:
    with Scripted() as origin:
        http = HTTP.replace("ORIGIN", str(origin.port))
        with (
            Subject(nginx, http, variables=_VARIABLES) as theirs,
            Subject(surehop_nginx, http, variables=_VARIABLES) as ours,
        ):
            yield Bench(nginx, theirs, origin), Bench(surehop_nginx, ours, origin)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_answers_like_nginx(benches: tuple[Bench, Bench], case: Case) -> None:
    theirs, ours = (bench.run(case).lines() for bench in benches)
    assert ours == theirs, f"\n{unlike(theirs, ours)}"
