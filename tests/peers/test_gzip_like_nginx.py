"""`gzip` and what goes with it, against nginx. Bodies are compared unpacked; what else is compared
stands in test_relay_like_nginx.py.
"""

from collections.abc import Iterator

import pytest
from likeness import Bench, Case, unlike, variables
from relay_setup import ask, head, sized

from scripted import Scripted
from surehop.lab.subjects import Program, Subject

WORDS = " ".join(f"word{n % 7}" for n in range(40))
HTTP = """
    gzip on;
    gzip_types text/plain text/CSS;
    gzip_vary on;
    gzip_min_length 30;
    server {
        listen 127.0.0.1:@PORT@;
        location /marker/ { return 204; }
        location / { proxy_pass http://127.0.0.1:ORIGIN; }
        location /off/ { gzip off; proxy_pass http://127.0.0.1:ORIGIN; }
        location /text/ { return 200 "WORDS"; }
        location /short/ { return 200 "too short"; }
        location /html/ { gzip_types a/b; return 200 "WORDS"; }
        location /any/ { gzip_types *; proxy_pass http://127.0.0.1:ORIGIN; }
        location /old/ { gzip_http_version 1.0; return 200 "WORDS"; }
        location /old/up/ { gzip_http_version 1.0; proxy_pass http://127.0.0.1:ORIGIN; }
        location /bare/ { gzip_vary off; return 200 "WORDS"; }
        location /msie/ { gzip_disable "msie6"; return 200 "WORDS"; }
        location /disabled/ { gzip_disable "bad.*agent" x; return 200 "WORDS"; }
        location /page/ { return 404; }
        location /page/500/ { return 500; }
        location /moved/ { return 301 /x; }
        location /coded/ { add_header Content-Encoding x; return 200 "WORDS"; }
        location /etag/ { add_header ETag '"e"'; return 200 "WORDS"; }
        location /seen/ {
            add_header X "$sent_http_content_type|$sent_http_vary|$sent_http_connection";
            return 200 "WORDS";
        }
        location /trailer/ { add_trailer T x; return 200 "WORDS"; }
        location /level/ { gzip_comp_level 9; gzip_window 512; proxy_pass http://127.0.0.1:ORIGIN; }
        location /if/ { if ($arg_a) { gzip off; } return 200 "WORDS"; }
        location /proxied/ {
            proxy_pass http://127.0.0.1:ORIGIN;
            location /proxied/any/ { gzip_proxied any; proxy_pass http://127.0.0.1:ORIGIN; }
            location /proxied/auth/ { gzip_proxied auth; proxy_pass http://127.0.0.1:ORIGIN; }
            location /proxied/expired/ { gzip_proxied expired; proxy_pass http://127.0.0.1:ORIGIN; }
            location /proxied/cache/ {
                gzip_proxied no-cache no-store private;
                proxy_pass http://127.0.0.1:ORIGIN;
            }
            location /proxied/date/ {
                gzip_proxied no_last_modified no_etag;
                proxy_pass http://127.0.0.1:ORIGIN;
            }
            location /proxied/off/ { gzip_proxied off any; proxy_pass http://127.0.0.1:ORIGIN; }
        }
        location /unbuffered/ { proxy_buffering off; proxy_pass http://127.0.0.1:ORIGIN; }
        location /chunks/ { chunked_transfer_encoding off; proxy_pass http://127.0.0.1:ORIGIN; }
    }
""".replace("WORDS", WORDS)

LOGGED = variables(
    (
        *("sent_http_content_encoding", "sent_http_content_length", "sent_http_etag"),
        *("sent_http_vary", "sent_http_accept_ranges", "sent_http_transfer_encoding"),
    )
)

GZIP = "Accept-Encoding: gzip"
BODY = (WORDS * 40).encode()
TEXT = "Content-Type: text/plain"


def chunked(*lines: str) -> bytes:
    return head("200 OK", "Transfer-Encoding: chunked", *lines) + b"%x\r\n%b\r\n0\r\n\r\n" % (
        len(BODY),
        BODY,
    )


_TARGETS = """
    /text/ /short/ /html/ /old/ /bare/ /msie/ /disabled/ /page/ /page/500/ /moved/ /coded/ /etag/
    /seen/ /trailer/ /if/ /if/?a=1
""".split()  # noqa: SIM905 (a paragraph can be read)
_ENCODINGS = (
    *(
        "gzip, deflate",
        "deflate, gzip",
        "GZIP",
        "x-gzip",
        "gzip;q=0",
        "gzip;q=0.5",
        "gzip; q=1.000",
    ),
    *("gzip;q=1.1", "identity", "*", "gzi", "gzip;q=0.0, x", "gzip ;q=0.001", "gzip;x", "br,gzip"),
)
_AGENTS = (
    *("Mozilla/4.0 (compatible; MSIE 6.0; Windows)", "Mozilla/4.0 (compatible; MSIE 6.0; SV1)"),
    *("MSIE 5.5 ", "MSIE 7.0 ", "MSIE 6.0 Opera", "bad my agent", "Bad my agent", "an x", "good"),
)
_KINDS = (
    *("text/plain", "text/html", "text/html; charset=x", "TEXT/css;charset=y", "text/plain; a=b"),
    *("application/json", "text/htmlx", "text/plain ; charset=a", ""),
)
PAST, COMING = "Expires: Thu, 01 Jan 1970 00:00:00 GMT", "Expires: Thu, 01 Jan 2037 00:00:00 GMT"
_CACHING = {
    "nothing": (),
    "past": (PAST,),
    "coming": (COMING,),
    "no date": ("Expires: x",),
    "no-cache": ("Cache-Control: no-cache",),
    "store": ("Cache-Control: max-age=1, no-store",),
    "private": ("Cache-Control: a", "Cache-Control: private=x, Private"),
    "public": ("Cache-Control: public",),
    "modified": ("Last-Modified: Thu, 01 Jan 1970 00:00:00 GMT",),
    "etag": ('ETag: "e"',),
    "all": (PAST, "Cache-Control: no-cache", 'ETag: "e"', "Last-Modified: x"),
}

CASES = [
    *(Case(f"GET {target}", ask("GET", target, GZIP)) for target in _TARGETS),
    *(
        Case(f"HTTP/1.0 {target}", ask("GET", target, GZIP, version="1.0"))
        for target in ("/text/", "/old/", "/trailer/")
    ),
    *(
        Case(f"HEAD {target}", ask("HEAD", target, GZIP), heads=(0,))
        for target in ("/text/", "/etag/", "/page/")
    ),
    Case("not asked for", ask("GET", "/text/")),
    *(
        Case(f"encoding {encoding}", ask("GET", "/text/", f"Accept-Encoding: {encoding}"))
        for encoding in _ENCODINGS
    ),
    *(
        Case(f"{agent} {target}", ask("GET", target, GZIP, f"User-Agent: {agent}"))
        for agent in _AGENTS
        for target in ("/msie/", "/disabled/")
    ),
    *(
        Case(
            f"type {kind} {target}",
            ask("GET", target, GZIP),
            answer=(sized(BODY, *([f"Content-Type: {kind}"] if kind else [])),),
        )
        for kind in _KINDS
        for target in ("/", "/any/")
    ),
    *(
        Case(
            f"{name} {target}",
            ask("GET", target, GZIP, "Via: 1.1 x", *more),
            answer=(sized(BODY, TEXT, *lines),),
        )
        for name, lines in _CACHING.items()
        for target, more in (
            *(
                ("/proxied/", ()),
                ("/proxied/any/", ()),
                ("/proxied/auth/", ()),
                ("/proxied/off/", ()),
            ),
            *(("/proxied/auth/", ("Authorization: x",)), ("/proxied/expired/", ())),
            *(("/proxied/cache/", ()), ("/proxied/date/", ())),
        )
    ),
    *(
        Case(f"{name} {target}", ask("GET", target, GZIP), answer=(answer,))
        for target in ("/", "/off/", "/level/", "/unbuffered/", "/chunks/")
        for name, answer in (
            ("sized", sized(BODY, TEXT, "Accept-Ranges: bytes", 'ETag: "e"')),
            ("chunked", chunked(TEXT, "ETag: W/weak")),
            ("odd tag", chunked(TEXT, "ETag: odd", "Vary: Accept-Encoding")),
            ("coded", sized(BODY, TEXT, "Content-Encoding: br")),
            ("short", sized(b"short", TEXT)),
            ("403", sized(BODY, TEXT, status="403 No")),
            ("201", sized(BODY, TEXT, status="201 Yes")),
        )
    ),
    *(
        Case(f"until the end {target}", ask("GET", target, GZIP), answer=(step, "fin"))
        for target in ("/", "/off/", "/level/", "/unbuffered/", "/chunks/")
        for step in (head("200 OK", TEXT) + BODY,)
    ),
    Case(
        "HTTP/1.0 relayed",
        ask("GET", "/old/up/", GZIP, "Connection: keep-alive", version="1.0", close=False),
        answer=(sized(BODY, TEXT),),
    ),
    Case(
        "large",
        ask("GET", "/", GZIP),
        answer=(sized(bytes(n * n % 251 for n in range(400_000)), TEXT),),
    ),
    Case("kept", ask("GET", "/text/", GZIP, close=False) + ask("GET", "/page/", GZIP)),
]


@pytest.fixture(scope="module")
def benches(nginx: Program, surehop_nginx: Program) -> Iterator[tuple[Bench, Bench]]:
    with Scripted() as origin:
        http = HTTP.replace("ORIGIN", str(origin.port))
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
