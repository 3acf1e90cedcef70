"""Output filters together, against nginx: ranges, packing, added lines, trailers, chunks; of
relayed answers, files and pages. What is compared stands in test_relay_like_nginx.py.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from likeness import Bench, Case, unlike, variables
from relay_setup import ask, head, sized

from scripted import Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject

HTTP = """
    gzip_types text/plain;
    gzip_vary on;
    types { text/html html; text/plain txt; }
    server {
        listen 127.0.0.1:@PORT@;
        location /marker/ { return 204; }
        location / { proxy_pass http://127.0.0.1:ORIGIN; proxy_force_ranges on; }
        location /not/ { proxy_pass http://127.0.0.1:ORIGIN; }
        location /never/ {
            proxy_pass http://127.0.0.1:ORIGIN;
            proxy_force_ranges on;
            max_ranges 0;
        }
        location /gzip/ { proxy_pass http://127.0.0.1:ORIGIN; proxy_force_ranges on; gzip on; }
        location /added/ {
            proxy_pass http://127.0.0.1:ORIGIN;
            proxy_force_ranges on;
            add_header X "$sent_http_content_type|$sent_http_connection|$sent_http_x_one";
            add_header Always always always;
            add_trailer T $status;
        }
        location /page/ {
            proxy_pass http://127.0.0.1:ORIGIN;
            proxy_force_ranges on;
            error_page 416 /sorry;
        }
        location = /sorry { add_header S $status always; return 200 "sorry\\n"; }
        location /unbuffered/ {
            proxy_pass http://127.0.0.1:ORIGIN;
            proxy_force_ranges on;
            proxy_buffering off;
        }
        location /up/trailers/ { proxy_pass http://127.0.0.1:ORIGIN; proxy_pass_trailers on; }
        location /up/no-trailers/ { proxy_pass http://127.0.0.1:ORIGIN; }
        location /up/both/ {
            proxy_pass http://127.0.0.1:ORIGIN;
            proxy_pass_trailers on;
            proxy_buffering off;
            add_trailer T mine;
        }
        location /up/hidden/ {
            proxy_pass http://127.0.0.1:ORIGIN;
            proxy_pass_trailers on;
            proxy_hide_header X-T;
            gzip on;
            gzip_min_length 1;
            gzip_types *;
        }
        location /file/ { root html; }
        location /file/gzip/ { alias html/file/; gzip on; }
        location /file/gzip/vary/ { alias html/file/; gzip on; gzip_vary off; add_header V v; }
        location /file/all/ {
            alias html/file/;
            gzip on;
            add_trailer T $status;
            add_header X "$sent_http_content_type|$sent_http_cache_control";
            expires modified 1h;
        }
        location /file/trailer/ { alias html/file/; add_trailer T $status; }
        location /file/etag/ { alias html/file/; add_header ETag '"mine"'; add_header Vary V; }
        location /file/undated/ { alias html/file/; add_header Last-Modified ""; etag off; }
        location /file/limited/ { alias html/file/; limit_rate 10m; }
        location /file/chunks/ { alias html/file/; gzip on; chunked_transfer_encoding off; }
        location /text/ { gzip on; return 200 "$arg_t"; }
        location /missing/ {
            gzip on;
            gzip_min_length 1;
            gzip_types *;
            add_header X y;
            add_header Z z always;
            add_trailer T $status always;
            expires 1h;
            error_page 403 =200 /found;
            location /missing/403 { return 403; }
            location /missing/404 { return 404; }
            location /missing/502 { proxy_pass http://127.0.0.1:REFUSED; }
        }
        location = /found { gzip on; gzip_min_length 1; add_trailer F f; return 200 "found it"; }
    }
"""

LOGGED = variables(
    (
        *("status", "sent_http_content_encoding", "sent_http_content_length", "sent_http_etag"),
        *("sent_http_vary", "sent_http_accept_ranges", "sent_http_content_range"),
        *("sent_trailer_t", "sent_http_last_modified"),
        *("sent_trailer_x_t", "upstream_trailer_x_t", "upstream_trailer_etag"),
    )
)

GZIP = "Accept-Encoding: gzip"
DATE = "Thu, 01 Jan 1970 00:00:10 GMT"
BODY = b"0123456789" * 10
PLAIN = sized(BODY, "Content-Type: text/plain", 'ETag: "e"', f"Last-Modified: {DATE}")
CHUNKS = head("200 OK", "Transfer-Encoding: chunked", "Content-Type: text/plain") + (
    b"64\r\n" + BODY + b"\r\n0\r\n\r\n"
)
_RANGES = (
    *("bytes=0-9", "bytes=90-", "bytes=-5", "bytes=0-0,-1", "bytes=100-", "bytes=5-4", "bytes=x"),
    *("items=0-9", "bytes=0-99", "bytes=0-9,20-29", "Bytes=3-3", "bytes=0-999"),
)
_UPSTREAM = ("/", "/not/", "/never/", "/gzip/", "/added/", "/page/", "/unbuffered/")
_FILES = """
    /file/ten.txt /file/gzip/ten.txt /file/gzip/long.txt /file/gzip/long.html
    /file/gzip/vary/long.txt /file/all/long.txt /file/all/ten.txt /file/trailer/long.txt
    /file/trailer/empty.txt
    /file/etag/long.txt /file/undated/long.txt /file/limited/long.txt /file/limited/empty.txt
    /file/chunks/long.txt /file/gzip/empty.txt /file/gzip/big.txt /file/trailer/big.txt
    /file/limited/big.txt
""".split()  # noqa: SIM905 (a paragraph can be read)
TRAILED = CHUNKS[:-2] + b"X-T: one\r\n"
MORE = (
    b"x-t: two\r\nX-Accel-Redirect: /x\r\nDate: z\r\nEmpty:\r\nSet-Cookie: a=b\r\nETag: e\r\n\r\n"
)
CASES = [
    *(
        Case(f"{name} {target} {lines}", ask("GET", target, *lines, version=version), answer=answer)
        for target in ("/up/trailers/", "/up/no-trailers/", "/up/both/", "/up/hidden/")
        for version in ("1.0", "1.1")
        for lines in ((), (GZIP,))
        for name, answer in (
            ("trailers", (TRAILED + MORE,)),
            ("trailers in pieces", (TRAILED[:-4], TRAILED[-4:], MORE[:3], MORE[3:])),
            ("no trailers", (CHUNKS,)),
            ("no chunks", (PLAIN,)),
            ("404", (TRAILED.replace(b"200 OK", b"404 No") + MORE,)),
        )
    ),
    *(
        Case(f"{range_} {target}", ask("GET", target, f"Range: {range_}"), answer=(PLAIN,))
        for target in _UPSTREAM
        for range_ in _RANGES
    ),
    *(
        Case(f"{name} {target}", ask("GET", target, *lines), answer=(answer,))
        for target in _UPSTREAM
        for name, lines, answer in (
            ("no range", (), PLAIN),
            ("theirs", (), sized(BODY, "Accept-Ranges: theirs")),
            ("chunks", ("Range: bytes=0-9",), CHUNKS),
            ("if tag", ("Range: bytes=0-9", 'If-Range: "e"'), PLAIN),
            ("if other tag", ("Range: bytes=0-9", 'If-Range: "f"'), PLAIN),
            ("if date", ("Range: bytes=0-9", f"If-Range: {DATE}"), PLAIN),
            (
                "if other date",
                ("Range: bytes=0-9", f"If-Range: {DATE.replace('10 G', '11 G')}"),
                PLAIN,
            ),
            ("packed", ("Range: bytes=0-9", GZIP), PLAIN),
            ("206", ("Range: bytes=0-9",), PLAIN.replace(b"200 OK", b"206 Partial")),
            ("404", ("Range: bytes=0-9",), PLAIN.replace(b"200 OK", b"404 No")),
            ("old", ("Range: bytes=0-9",), PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0")),
            ("201 words", (), PLAIN.replace(b"200 OK", b"200 Fine")),
            ("206 words", ("Range: bytes=0-9",), PLAIN.replace(b"200 OK", b"200 Fine")),
        )
    ),
    *(
        Case(
            f"{method} {target} {lines}",
            ask(method, target, *lines),
            heads=(0,) * (method == "HEAD"),
        )
        for target in _FILES
        for method, lines in (
            ("GET", ()),
            ("GET", (GZIP,)),
            ("GET", (GZIP, "Range: bytes=2-5")),
            ("GET", (GZIP, "Range: bytes=0-1,4-5")),
            ("GET", ("Range: bytes=0-1,-2",)),
            ("GET", (GZIP, "Range: bytes=9999999-")),
            ("GET", ("Range: bytes=9999999-",)),
            ("HEAD", (GZIP,)),
            ("GET", (GZIP, f"If-Modified-Since: {DATE}")),
            ("GET", (GZIP, 'If-None-Match: "mine"')),
        )
    ),
    *(
        Case(f"HTTP/1.0 {target} {lines}", ask("GET", target, *lines, version="1.0"))
        for target in _FILES
        for lines in ((), (GZIP,), ("Range: bytes=2-5",))
    ),
    *(
        Case(f"{method} {target}", ask(method, target, GZIP), heads=(0,) * (method == "HEAD"))
        for target in ("/missing/403", "/missing/404", "/missing/502", "/text/?t=abc", "/text/")
        for method in ("GET", "HEAD", "POST")
        if (method, target) != ("HEAD", "/missing/502")  # its length is the product's
    ),
    Case("kept", ask("GET", "/file/all/long.txt", GZIP, close=False) + ask("GET", "/missing/404")),
    Case(
        "kept after a range",
        ask("GET", "/", "Range: bytes=2-3", close=False) + ask("GET", "/file/ten.txt"),
        answer=(PLAIN,),
    ),
    Case(
        "a range in pieces",
        ask("GET", "/", "Range: bytes=30-59"),
        answer=(PLAIN[:-90], PLAIN[-90:-60], PLAIN[-60:-20], PLAIN[-20:]),
    ),
    Case(
        "announced",
        ask("GET", "/up/trailers/"),
        answer=(TRAILED.replace(b"Content-Type", b"Trailer: X-T\r\nContent-Type") + MORE,),
    ),
    Case("cut off", ask("GET", "/not/"), answer=(PLAIN[:-50], "fin")),
    Case("a range cut off", ask("GET", "/", "Range: bytes=30-99"), answer=(PLAIN[:-50], "fin")),
    Case(
        "cut off behind a range", ask("GET", "/", "Range: bytes=3-9"), answer=(PLAIN[:-50], "fin")
    ),
    Case(
        "cut off before a range", ask("GET", "/", "Range: bytes=60-"), answer=(PLAIN[:-50], "fin")
    ),
    Case("cut off chunks", ask("GET", "/not/"), answer=(CHUNKS[:-50], "fin")),
]


def tree(prefix: Path) -> None:
    """The files, of the same date in both."""
    folder = prefix / "html/file"
    folder.mkdir(parents=True)
    for name, text in {
        "ten.txt": b"0123456789",
        "long.txt": b"0123456789\n" * 100,
        "long.html": b"<p>long</p>\n" * 100,
        "empty.txt": b"",
        "big.txt": b"".join(b"%d\n" % n for n in range(60_000)),
    }.items():
        (folder / name).write_bytes(text)
        os.utime(folder / name, (1_000_000_000, 1_000_000_000))


@pytest.fixture(scope="module")
def benches(nginx: Program, surehop_nginx: Program) -> Iterator[tuple[Bench, Bench]]:
    with Scripted() as origin, Port() as refused:
        http = HTTP.replace("ORIGIN", str(origin.port)).replace("REFUSED", str(refused.number))
        with (
            Subject(nginx, http, variables=LOGGED) as theirs,
            Subject(surehop_nginx, http, variables=LOGGED) as ours,
        ):
            tree(theirs.prefix)
            tree(ours.prefix)
            yield Bench(nginx, theirs, origin), Bench(surehop_nginx, ours, origin)


@pytest.mark.parametrize("case", [pytest.param(case, id=case.name) for case in CASES])
def test_like_nginx(benches: tuple[Bench, Bench], case: Case) -> None:
    theirs, ours = (bench.run(case).lines() for bench in benches)
    told = unlike(theirs, ours)
    assert not told, f"\n{told}"
