# ruff: noqa: E501 (a location a line)
"""The files, the configuration and the requests by which static files are compared with nginx."""

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp

from likeness import Case
from relay_setup import ask

WHEN = 1_700_000_000  # of all files: Tue, 14 Nov 2023 22:13:20 GMT
DATE = "Tue, 14 Nov 2023 22:13:20 GMT"
BEFORE = "Tue, 14 Nov 2023 22:13:19 GMT"
AFTER = "Tue, 14 Nov 2023 22:13:21 GMT"
ETAG = '"6553f100-a"'
LARGE = 3_000_000

FILES = {
    "html/index.html": b"default index\n",
    "html/50x.html": b"default page\n",
    "www/ten": b"0123456789",
    "www/page.html": b"<html>\n",
    "www/UP.HTML": b"upper\n",
    "www/empty": b"",
    "www/a b%.txt": b"blank\n",
    "www/x.tar.gz": b"gz\n",
    "www/.html": b"dot\n",
    "www/dot.": b"dot at the end\n",
    "www/no-type.foo": b"foo\n",
    "www/pic.gif": b"gif\n",
    "www/large": bytes(range(256)) * (LARGE // 256),
    "www/index.html": b"root index\n",
    "www/dir/index.html": b"dir index\n",
    "www/dir/second.htm": b"second\n",
    "www/bare/file": b"bare\n",
    "www/blank dir/file": b"blank\n",
    "www/closed/index.html": b"closed\n",
    "www/closed-index/index.html": b"closed\n",
    "www/folder-index/index.html/file": b"folder\n",
    "www/secret": b"secret\n",
    "www/page404.html": b"my 404\n",
    "www/named/x": b"named\n",
    "other/ten": b"other ten\n",
    "other/index.html": b"other index\n",
    "other/dir/index.html": b"other dir index\n",
}

HTTP = r"""
    root www;
    types { text/html html htm; image/gif gif; application/x-gzip gz; }
    server {
        listen 127.0.0.1:@PORT@;
        server_name first;
        location /marker/ { return 204; }
        location / { }
        location = /exact { root other; }
        location /default-type/ { default_type text/x-own; alias www/; }
        location /no-types/ { types { } default_type text/css; alias www/; }
        location /more-types/ { types { a/b foo; } types { c/d gif; } alias www/; }
        location /alias/ { alias other/; }
        location /alias-bare { alias other; }
        location = /alias-file { alias www/ten; }
        location ~ ^/regex/(.*)$ { alias www/$1; }
        location ~ ^/regex-two/(.*)$ { alias $document_uri/$1; }
        location /alias-variable/ { alias $arg_a/; }
        location /root-variable { root www/$arg_a; }
        location /root-relative { root $arg_a; }
        location /alias-rewritten { rewrite ^/alias-rewritten/(.*) /$1 break; alias www/; }
        location /alias/nested/ { }
        location /slash-root/ { root /; }
        location /index-list/ { alias www/dir/; index none.html second.htm; }
        location /index-absolute/ { alias www/bare/; index none.html /ten; }
        location /index-variable/ { alias www/dir/; index $arg_i.htm $arg_j; }
        location /index-none/ { alias www/bare/; index none; }
        location /quiet/ { log_not_found off; }
        location /no-etag/ { alias www/; etag off; }
        location /since-off/ { alias www/; if_modified_since off; }
        location /since-before/ { alias www/; if_modified_since before; }
        location /no-ranges/ { alias www/; max_ranges 0; }
        location /one-range/ { alias www/; max_ranges 1; }
        location /page/ { error_page 404 /page404.html; }
        location /page-over/ { error_page 404 =200 /page404.html; }
        location /page-own/ { error_page 404 = /page404.html; }
        location /page-none/ { error_page 404 /nowhere.html; }
        location /page-405/ { error_page 405 =200 /ten; return 405; }
        location /page-416/ { alias www/; error_page 416 /ten; }
        location /page-412/ { alias www/; error_page 412 @text; }
        location /page-304/ { alias www/; error_page 304 @text; }
        location /page-301 { root www; error_page 301 @text; }
        location @text { return 200 "text $uri\n"; }
        location @file { root other; }
        location /return.html { return 200 "a page\n"; }
        location /return { return 200 "conditional\n"; }
        location /return-201 { return 201 "made\n"; }

        location /try/ { try_files $uri $uri/ /dir/second.htm; root www; }
        location /try-stripped/ { rewrite ^/try-stripped(.*) $1 break; try_files $uri /ten; }
        location /try-code/ { try_files $uri /none =404; }
        location /try-204/ { try_files /none =204; }
        location /try-named/ { try_files /none @text; }
        location /try-named-file/ { try_files /none @file; }
        location /try-args/ { try_files /none /return-args?$args&x=y; }
        location /return-args { return 200 "$uri $args\n"; }
        location /try-static/ { try_files /none /ten /dir; }
        location /try-folder/ { try_files /bare/ /ten; }
        location /try-index/ { try_files /dir/ /ten; }
        location /try-alias/ { alias www/; try_files $uri $uri/ =404; }
        location /try-alias-static/ { alias www/; try_files ten =404; }
        location ~ ^/try-regex/(.*)$ { alias www/$1; try_files .html "" =404; }
        location ~ ^/try-captured/(.*)$ { try_files /$1 /other/$1 =410; }
        location /try-last-file/ { try_files /none /nowhere; }
        location /try-closed/ { try_files /closed/index.html /secret /ten; }
        location /try-loop/ { try_files /none /try-loop/x; }
        location /try-proxy/ { try_files $uri /ten; proxy_pass http://127.0.0.1:ORIGIN; }
        location /try-break/ { try_files /none /ten =404; return 200 "never\n"; }
        location /try-if/ { try_files /none /ten; if ($arg_a) { set $b 1; } }
        location /try-rewritten/ { rewrite ^/try-rewritten(.*)$ /try$1 last; }

        location /limit/ { alias www/; limit_except GET { proxy_pass http://127.0.0.1:ORIGIN; } }
        location /limit-post/ { proxy_pass http://127.0.0.1:ORIGIN; limit_except POST PUT { } }
        location /limit-return/ { limit_except GET { } return 200 "returned\n"; }
        location /vars/ { return 200 "$document_root|$realpath_root|$request_filename|$document_uri\n"; }
        location /vars-alias/ { alias other/; return 200 "$document_root|$realpath_root|$request_filename\n"; }
        location /vars-gone/ { root nowhere; return 200 "$document_root|$realpath_root|$request_filename\n"; }
        location /vars-variable/ { root www/$arg_a; return 200 "$document_root|$request_filename\n"; }
        location /internal/ { internal; alias www/; }
        location /to-internal/ { rewrite ^/to-(internal/.*) /$1 last; }
        location /reading/ { proxy_pass http://127.0.0.1:ORIGIN; error_page 502 503 404 /ten; }
        location /failing/ { proxy_pass http://127.0.0.1:REFUSED; error_page 502 /ten; }
        location /fallback/ { root www; error_page 404 = @origin; }
        location @origin { proxy_pass http://127.0.0.1:ORIGIN; }
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name second;
        root other;
        index index.html;
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name tried;
        try_files $uri /ten;
        location /in/ { }
    }
    server { listen 127.0.0.1:@PORT@; server_name bare; root html; }
"""

LOGGED = (
    *("status", "bytes_sent", "body_bytes_sent", "uri", "is_args", "request_uri"),
    *("request_method", "request_length", "sent_http_location", "sent_http_content_type"),
    *("sent_http_content_length", "sent_http_last_modified", "sent_http_etag"),
    *("sent_http_content_range", "sent_http_accept_ranges", "request_completion"),
    *("upstream_addr", "document_root", "realpath_root", "request_filename"),
)

_TARGETS = r"""
    / /ten /page.html /UP.HTML /empty /a%20b%25.txt /x.tar.gz /.html /dot. /no-type.foo /pic.gif /large
    /dir /dir/ /dir?a=b /dir/?a=b /dir/none /bare /bare/ /blank%20dir /blank%20dir?a%20b /blank%20dir/
    /none /none/ /none/none /ten/ /ten/x /closed/ /closed/index.html /closed-index/ /folder-index/
    /secret /fifo /socket /link /broken-link /loop-link /exact /index.html
    /default-type/ten /default-type/page.html /no-types/ten /no-types/page.html /more-types/no-type.foo
    /more-types/pic.gif /more-types/page.html /alias/ten /alias/ /alias /alias/dir /alias/dir/ /alias/none
    /alias-bare/ten /alias-bare /alias-bare/ /alias-bare/dir /alias-file /alias-file/x /regex/ten /regex/dir /regex/dir/
    /regex/none /regex-two/ten /alias-variable/ten?a=/nowhere /alias-variable/ten?a=other /root-variable
    /root-variable?a=dir /root-relative?a=x /alias-rewritten/ten /alias/nested/ten /slash-root/x
    /index-list/ /index-absolute/ /index-absolute/?a=b /index-variable/?i=second /index-variable/?i=x&j=/ten
    /index-variable/ /index-none/ /quiet/none /quiet/none/ /no-etag/ten /page/none /page/none?a=b
    /page-over/none /page-own/none /page-none/none /page-405/ /page-301 /return.html /return /return-201
    /try/ten /try/dir /try/none /try/ /try-stripped/page.html /try-stripped/none /try-code/none /try-code/ten /try-204/ /try-named/x
    /try-named-file/ten /try-args/?k=v /try-args/ /try-static/x /try-folder/ /try-index/ /try-alias/ten
    /try-alias/dir /try-alias/dir/ /try-alias/none /try-alias-static/x /try-regex/page /try-regex/ten
    /try-regex/none /try-captured/ten /try-captured/none /try-last-file/ /try-closed/ /try-loop/ /try-proxy/a%20b
    /try-break/ /try-if/x /try-if/x?a=1 /try-rewritten/ten /limit/ten /limit-post/x /limit-return/x /vars/a%20b?x /vars-alias/x
    /vars-gone/x /vars-variable/x?a=b /internal/ten /to-internal/ten /reading/x /failing/x /fallback/none?q
    /fallback/../ten
""".split()  # noqa: SIM905 (a paragraph can be read)

_RANGES = """
    bytes=0-4|bytes=5-|bytes=-3|bytes=-30|bytes=0-99|bytes=9-9|bytes=10-|bytes=5-4|bytes=-0|bytes=x|bytes=1
    bytes=0-0,-1|bytes= 1 - 2 , 4 - 5 |bytes=20-30,1-2|bytes=0-8,1-9|bytes=1-2,|bytes=-|items=0-4|BYTES=0-4
    bytes=|bytes=99999999999999999999-|bytes=0-|bytes=0-9|bytes=0-1,2-3,4-5,8-|bytes=20-,30-|bytes=3-2,1-1
""".replace("\n", "|")

_CONDITIONS = {
    "same date": [f"If-Modified-Since: {DATE}"],
    "earlier date": [f"If-Modified-Since: {BEFORE}"],
    "later date": [f"If-Modified-Since: {AFTER}"],
    "other form": ["If-Modified-Since: Tuesday, 14-Nov-23 22:13:20 GMT"],
    "third form": ["If-Modified-Since: Tue Nov 14 22:13:20 2023"],
    "no date": ["If-Modified-Since: x"],
    "unmodified": [f"If-Unmodified-Since: {DATE}"],
    "modified": [f"If-Unmodified-Since: {BEFORE}"],
    "unmodified later": [f"If-Unmodified-Since: {AFTER}"],
    "unmodified nonsense": ["If-Unmodified-Since: x"],
    "match": [f"If-Match: {ETAG}"],
    "match weak": [f"If-Match: W/{ETAG}"],
    "match any": ["If-Match: *"],
    "match list": [f'If-Match: "x", {ETAG} , "y"'],
    "match none": ['If-Match: "x"'],
    "none match": [f"If-None-Match: {ETAG}"],
    "none match weak": [f"If-None-Match: W/{ETAG}"],
    "none match any": ["If-None-Match: *"],
    "none match list": [f'If-None-Match: "x",{ETAG},"y"'],
    "none match none": ['If-None-Match: "x"'],
    "both the same": [f"If-None-Match: {ETAG}", f"If-Modified-Since: {DATE}"],
    "date the same": ['If-None-Match: "x"', f"If-Modified-Since: {DATE}"],
    "tag the same": [f"If-None-Match: {ETAG}", f"If-Modified-Since: {BEFORE}"],
    "range if": ["Range: bytes=0-4", f"If-Range: {ETAG}"],
    "range if other": ["Range: bytes=0-4", 'If-Range: "x"'],
    "range if weak": ["Range: bytes=0-4", f"If-Range: W/{ETAG}"],
    "range if date": ["Range: bytes=0-4", f"If-Range: {DATE}"],
    "range if later": ["Range: bytes=0-4", f"If-Range: {AFTER}"],
    "range and not modified": ["Range: bytes=0-4", f"If-None-Match: {ETAG}"],
    "range unsatisfiable": ["Range: bytes=20-"],
}


def _get(target: str, *lines: str, host: str = "first") -> bytes:
    return ask("GET", target, *lines, host=host)


CASES = [
    *(Case(f"GET {target}", _get(target)) for target in _TARGETS),
    *(
        Case(f"{host} {target}", _get(target, host=host))
        for host in ("second", "tried", "bare")
        for target in ("/", "/ten", "/dir", "/dir/", "/none", "/in/x", "/in/../ten")
    ),
    *(
        Case(f"{method} {target}", ask(method, target), heads=(0,) if method == "HEAD" else ())
        for method in ("HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "FOO")
        for target in (
            *("/ten", "/dir/", "/return", "/page/none", "/limit/ten", "/limit-post/x"),
            *("/limit-return/", "/large", "/page-405/", "/dir", "/bare/", "/none"),
        )[: 9 if method == "HEAD" else None]  # the length of a page is that of a product's name
    ),
    *(
        Case(f"Range {value}", _get("/ten", f"Range: {value}"))
        for value in _RANGES.split("|")
        if value.strip()
    ),
    *(
        Case(f"{place}ten {name}", _get(f"{place}ten", *lines))
        for place in ("/", "/no-etag/", "/since-off/", "/since-before/")
        for name, lines in _CONDITIONS.items()
    ),
    *(
        Case(f"{target} {name}", _get(target, *lines))
        for target in ("/return", "/none", "/reading/x", "/return-201", "/dir", "/page-over/none")
        for name, lines in list(_CONDITIONS.items())[::3]
    ),
    *(
        Case(f"{target} {value}", _get(target, f"Range: {value}"))
        for target in (
            *("/page.html", "/empty", "/no-ranges/ten", "/one-range/ten", "/return", "/large"),
            *("/page/none", "/page-416/ten", "/page-over/none", "/try-proxy/x"),
        )
        for value in ("bytes=0-1", "bytes=0-1,3-3", "bytes=9999999-", "bytes=-1")
    ),
    Case("HEAD range", ask("HEAD", "/ten", "Range: bytes=1-2"), heads=(0,)),
    Case("HEAD ranges", ask("HEAD", "/ten", "Range: bytes=1-2,4-5"), heads=(0,)),
    Case("412 to a named location", _get("/page-412/ten", 'If-Match: "x"')),
    Case("304 to a named location", _get("/page-304/ten", "If-None-Match: *")),
    Case("range in 1.0", ask("GET", "/ten", "Range: bytes=1-2", version="1.0")),
    Case("1.0", ask("GET", "/ten", version="1.0")),
    Case("no host", b"GET /dir HTTP/1.0\r\n\r\n"),
    Case("kept", [ask("GET", "/ten", close=False) + ask("GET", "/dir/", close=False) + _get("/")]),
    Case("kept after a 304", [ask("GET", "/ten", "If-None-Match: *", close=False) + _get("/ten")]),
    Case("kept after large", [ask("GET", "/large", close=False) + _get("/ten")]),
    Case("GET with a body", ask("GET", "/ten", "Content-Length: 3", body=b"abc")),
    Case(
        "GET with a body, kept",
        ask("GET", "/ten", "Content-Length: 3", close=False, body=b"abc") + _get("/ten"),
    ),
    Case("POST with a body", ask("POST", "/ten", "Content-Length: 3", body=b"abc")),
    Case("POST to an error page", ask("POST", "/page/none", "Content-Length: 3", body=b"abc")),
    Case("an origin's validators", _get("/reading/x", f"If-None-Match: {ETAG}")),
]


@contextmanager
def tree() -> Iterator[Path]:
    """A folder with the files; those that are no files too. Its name is as long as any other's."""
    prefix = Path(mkdtemp(prefix="surehop-files-"))
    try:
        for name, content in FILES.items():
            path = prefix / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
        www = prefix / "www"
        os.mkfifo(www / "fifo")
        with socket.socket(socket.AF_UNIX) as listening:
            listening.bind(str(www / "socket"))
        (www / "link").symlink_to("ten")
        (www / "broken-link").symlink_to("nothing")
        (www / "loop-link").symlink_to("loop-link")
        for path in prefix.rglob("*"):
            if not path.is_symlink():
                os.utime(path, (WHEN, WHEN))
        (www / "secret").chmod(0)
        (www / "closed").chmod(0)
        (www / "closed-index/index.html").chmod(0)
        yield prefix
    finally:
        rmtree(prefix)
