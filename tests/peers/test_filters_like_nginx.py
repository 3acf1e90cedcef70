"""What is done to answers on their way out, against nginx: `add_header`, `expires`, `add_trailer`
and the like. What is compared stands in test_relay_like_nginx.py.
"""

import re
from collections.abc import Iterator

import pytest
from likeness import Bench, Case, unlike, variables
from relay_setup import ask, head, sized

from scripted import Scripted
from surehop.lab.ports import Port
from surehop.lab.subjects import Program, Subject

HTTP = """
    add_header A http;
    map $arg_e $asked { 1 1h; 2 "modified"; 3 -1; 4 @1h; 5 epoch; 6 max; 7 off; 8 +1d12h; }
    map $sent_http_content_type $by_type { default off; text/plain 1h; ~html max; }
    server {
        listen 127.0.0.1:@PORT@;
        location /marker/ { return 204; }
        location / { proxy_pass http://127.0.0.1:ORIGIN; add_trailer T "$upstream_status"; }
        location /plain/ { return 200 a; }
        location /own/ { add_header B loc; return 200 a; }
        location /merge/ { add_header_inherit merge; add_header B loc; return 200 a; }
        location /off/ { add_header_inherit off; return 200 a; location /off/in/ { return 200 a; } }
        location /deep/ {
            add_header_inherit merge;
            add_header B deep;
            location /deep/two/ { add_header C two; return 200 a; }
            location /deep/none/ { return 200 a; }
            location /deep/on/ { add_header_inherit on; add_header C on; return 200 a; }
            location /deep/if/ { if ($arg_a) { add_header C if; return 200 a; } return 200 b; }
            location /deep/if-off/ { if ($arg_a) { add_header_inherit off; return 200 a; } }
        }
        location /always/ { add_header B x always; add_header C y; return 404; }
        location /page/ { error_page 404 /found; add_header B x always; return 404; }
        location = /found { add_header C y; return 200 found; }
        location /codes/201/ { return 201 a; }
        location /codes/204/ { return 204; }
        location /codes/206/ { return 206 a; }
        location /codes/301/ { return 301 /x; }
        location /codes/303/ { return 303 /x; }
        location /codes/308/ { return 308 /x; }
        location /codes/400/ { return 400; }
        location /codes/418/ { return 418; }
        location /known/ {
            add_header Cache-Control a;
            add_header Cache-Control b;
            add_header Link l;
            add_header ETag '"x"';
            add_header Last-Modified foo;
            add_header last-modified "Thu, 01 Jan 1970 00:00:10 GMT";
            add_header ETag "";
            add_header Content-Type foo;
            add_header Content-Length 9;
            add_header Server s;
            add_header Location /x;
            add_header X "$sent_http_content_type|$sent_http_content_length|$sent_http_connection";
            add_header Y "$sent_http_cache_control|$sent_http_transfer_encoding";
            add_header Z "$sent_http_last_modified|$sent_http_server|$sent_http_x";
            add_header Empty $arg_none;
            return 200 abc;
        }
        location /up/known/ {
            proxy_pass http://127.0.0.1:ORIGIN;
            add_header ETag '"x"';
            add_header Cache-Control mine;
            add_header LAST-modified "$arg_l";
            add_header X "$sent_http_etag|$sent_http_content_type|$upstream_http_etag";
        }
        location /expires/off/ { expires off; return 200 a; }
        location /expires/epoch/ { expires epoch; return 200 a; }
        location /expires/max/ { expires max; return 200 a; }
        location /expires/hour/ { expires 1h; add_header Cache-Control public; return 200 a; }
        location /expires/past/ { expires -1h; return 200 a; }
        location /expires/now/ { expires 0; return 200 a; }
        location /expires/daily/ { expires @15h30m; return 200 a; }
        location /expires/midnight/ { expires @24h; return 200 a; }
        location /expires/modified/ { expires modified 1h; return 200 a; }
        location /expires/page/ { expires 1h; return 404; }
        location /expires/asked/ { expires $asked; return 200 a; }
        location /expires/asked-modified/ { expires modified $asked; return 200 a; }
        location /expires/type/ { expires $by_type; return 200 a; }
        location /expires/type404/ { expires $by_type; return 404; }
        location /expires/if/ { expires 1h; if ($arg_a) { expires off; } return 200 a; }
        location /up/expires/ { proxy_pass http://127.0.0.1:ORIGIN; expires 1h; }
        location /up/modified/ { proxy_pass http://127.0.0.1:ORIGIN; expires modified +1h; }
        location /up/type/ { proxy_pass http://127.0.0.1:ORIGIN; expires $by_type; }
        location /trailer/ { add_trailer T "x$sent_http_content_type$status"; return 200 abc; }
        location /trailer/empty/ { add_trailer T $arg_t; return 200 abc; }
        location /trailer/404/ { add_trailer T x; return 404; }
        location /trailer/always/ { add_trailer T x always; add_trailer U y always; return 404; }
        location /trailer/204/ { add_trailer T x; return 204; }
        location /trailer/merge/ {
            add_trailer T x;
            add_trailer_inherit merge;
            location /trailer/merge/in/ { add_trailer U y; return 200 a; }
        }
        location /trailer/off/ { chunked_transfer_encoding off; add_trailer T x; return 200 a; }
        location /chunks/off/ { proxy_pass http://127.0.0.1:ORIGIN; chunked_transfer_encoding off; }
        location /tokens/build/ { server_tokens build; return 404; }
        location /unpadded/ { msie_padding off; return 404; }
        location /refresh/ { msie_refresh on; return 301 "/x'y z<\\"&>^`{}|%\\\\~#?é[]"; }
        location /refresh/303/ { msie_refresh on; return 303 /x; }
    }
"""

LOGGED = variables(
    (
        *("sent_http_a", "sent_http_cache_control", "sent_http_etag", "sent_http_last_modified"),
        *("sent_http_content_length", "sent_http_empty", "sent_trailer_t", "sent_trailer_u"),
    )
)

CHUNKS = b"1\r\na\r\n2\r\nbc\r\n0\r\n\r\n"
CHUNKED = head("200 OK", "Transfer-Encoding: chunked") + CHUNKS
STALE = (
    *("Expires: old", "Cache-Control: one", "Cache-Control: two", 'ETag: "up"', "Link: a"),
    *("Expires: older", "Last-Modified: Thu, 01 Jan 1970 00:00:10 GMT", "Content-Type: text/html"),
)
LATER = "Last-Modified: Thu, 01 Jan 2037 00:00:10 GMT"

_TARGETS = """
    /plain/ /own/ /merge/ /off/ /off/in/ /deep/two/ /deep/none/ /deep/on/ /deep/if/?a=1 /deep/if/
    /deep/if-off/?a=1 /always/ /page/ /codes/201/ /codes/204/ /codes/206/ /codes/301/ /codes/303/
    /codes/308/ /codes/400/ /codes/418/ /known/ /expires/off/ /expires/epoch/ /expires/max/
    /expires/hour/ /expires/past/ /expires/now/ /expires/daily/ /expires/midnight/
    /expires/modified/ /expires/page/ /expires/type/ /expires/type404/ /expires/if/
    /expires/if/?a=1 /trailer/ /trailer/empty/ /trailer/404/ /trailer/always/ /trailer/204/
    /trailer/merge/in/ /trailer/off/ /tokens/build/ /unpadded/
    /refresh/ /refresh/303/
""".split()  # noqa: SIM905 (a paragraph can be read)

EXPLORER = "User-Agent: Mozilla/4.0 (compatible; MSIE 6.0; Windows)"
CASES = [
    *(Case(f"GET {target}", ask("GET", target)) for target in _TARGETS),
    *(
        Case(f"Explorer {target}", ask("GET", target, EXPLORER))
        for target in ("/refresh/", "/refresh/303/", "/unpadded/", "/plain/")
    ),
    *(
        Case(f"asked {n}", ask("GET", f"/expires/asked{how}/?e={n}"))
        for n in range(9)
        for how in ("", "-modified")
    ),
    *(
        Case(f"{name} {target}", ask("GET", target), answer=(answer,))
        for target in ("/up/known/", "/up/known/?l=x", "/up/expires/", "/up/modified/", "/up/type/")
        for name, answer in (
            ("stale", sized(b"abc", *STALE)),
            ("later", sized(b"abc", LATER)),
            ("bare", sized(b"abc")),
            ("404", sized(b"abc", *STALE, status="404 Nowhere")),
            ("304", head("304 Not Modified", *STALE)),
        )
    ),
    *(
        Case(f"{name} {target} {version}", ask("GET", target, version=version), answer=(answer,))
        for target in ("/", "/chunks/off/")
        for version in ("1.0", "1.1")
        for name, answer in (
            ("sized", sized(b"abc")),
            ("empty", sized(b"")),
            ("chunked", CHUNKED),
            ("404", sized(b"abc", status="404 No")),
        )
    ),
    Case("cut off", ask("GET", "/"), answer=(head("200 OK", "Content-Length: 9") + b"abc", "fin")),
    Case("HEAD with trailers", ask("HEAD", "/trailer/"), heads=(0,)),
    Case("HTTP/1.0 with trailers", ask("GET", "/trailer/", version="1.0")),
    Case("kept with trailers", ask("GET", "/trailer/", close=False) + ask("GET", "/plain/")),
]

# A second may pass between the two.
_SOON = re.compile(r"Expires: (?!Thu, (?:01 Jan 1970|31 Dec 2037)).*|max-age=\d{5,}(?!\d)")


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
    theirs, ours = ([_SOON.sub("SOON", at) for at in b.run(case).lines()] for b in benches)
    told = unlike(theirs, ours)
    assert not told, f"\n{told}"
