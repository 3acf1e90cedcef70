# ruff: noqa: E501 (a location a line)
"""Where static files meet the rest: error pages, rewriting, nested locations, other answers."""

from files_setup import BEFORE, DATE, ETAG
from likeness import Case
from relay_setup import ask, sized

HTTP = r"""
    root www;
    server {
        listen 127.0.0.1:@PORT@;
        server_name first;
        location /marker/ { return 204; }
        location / { }
        location = / { index page.html; }

        location /add/ { alias www/; add_header X-A $uri; add_header X-B $status always; expires max; }
        location /add-over/ { alias www/; add_header Last-Modified ""; add_header ETag '"x"'; }
        location /add-date/ { alias www/; add_header Last-Modified "Tue, 14 Nov 2023 22:13:19 GMT"; }
        location /add-trailer/ { alias www/; add_trailer X-T $body_bytes_sent; }
        location /add-404/ { alias www/; add_header X-A a; add_header X-B b always; error_page 404 /page404.html; }
        location /add-412/ { alias www/; add_header X-A a; add_header X-B b always; error_page 412 =200 /ten; }
        location /add-416/ { alias www/; add_header X-B b always; error_page 416 =200 /page.html; }
        location /unchunked/ { alias www/; chunked_transfer_encoding off; }

        location /empty-type/ { default_type ""; types { } alias www/; }
        location /odd-type/ { default_type "text/html; charset=koi8-r"; types { } alias www/; }
        location /upper-type/ { types { a/b TEN gz; } alias www/; }

        location /post405/ { alias www/; error_page 405 =200 $uri; }
        location /post405-other/ { alias www/; error_page 405 = /return; }
        location /page403/ { alias www/; error_page 403 /page404.html; }
        location /page-empty/ { error_page 404 $arg_p; }
        location /page-missing/ { error_page 404 /missing.html; }
        location /page-recursive/ { recursive_error_pages on; error_page 404 /page-recursive/again; }
        location /page-named/ { error_page 404 @in-file; }
        location @in-file { root other; try_files /dir/index.html =500; }
        location /page-named-missing/ { error_page 404 @no-file; }
        location @no-file { root other; }
        location /page-try/ { error_page 404 = /tried/x; }
        location /tried/ { try_files /none /ten; }

        location /try-empty/ { try_files "" /ten; }
        location /try-slash/ { try_files / /ten; }
        location /try-200/ { try_files /none =200; }
        location /try-301/ { try_files /none =301; }
        location /try-444/ { try_files /none =444; }
        location /try-0/ { try_files /none =0; }
        location /try-missing/ { try_files /none @missing; }
        location /try-last-folder/ { try_files /none /dir/; }
        location /try-query/ { try_files /none /return?a?b; }
        location /try-nested/ { try_files /ten =404; location /try-nested/in/ { } location /try-nested/own/ { try_files /page.html =404; } }
        location /try-internal/ { try_files /none /secret/ten; }
        location /secret/ { internal; alias www/; }
        location /try-if/ { try_files /none /ten; if ($arg_i) { root other; } root www/bare; }
        location /try-return/ { try_files /page.html =404; rewrite ^/try-return/stop / break; }
        location /try-method/ { try_files /none /origin; }
        location /origin { proxy_pass http://127.0.0.1:ORIGIN; }
        location /try-variable/ { root www; try_files $arg_a $arg_b/ /return; }
        location /alias-try/ { alias www/; try_files $uri $uri/index.html /alias-try/ten; }
        location /alias-try-none/ { alias www/; try_files $uri /none$uri =404; }
        location = /alias-exact { alias www/page.html; try_files /../ten =404; }
        location /alias-deep/ { alias www/; location /alias-deep/dir/ { } location ~ \.html$ { } location /alias-deep/root/ { root other; } }
        location /alias-if/ { alias www/; if ($arg_i) { set $x 1; } if ($arg_r) { root other; } }
        location ~ ^/alias-fixed { alias www/ten; }
        location ~ ^/alias-part/(?<n>.*)\.f$ { alias www/$n; index second.htm; }
        location /alias-captured/ { alias www/; location ~ ^/alias-captured/(.*)$ { alias other/$1; } }
        location ~* ^/CASELESS/(.+)$ { alias www/$1; }

        location /index-if/ { alias www/; if ($arg_i) { set $x 1; } index page.html; }
        location /index-self/ { alias www/bare/; index ./; }
        location /index-up/ { alias www/bare/; index ../ten; }
        location /index-deep/ { alias www/; index dir/second.htm; }
        location /index-loop/ { alias www/; index /index-loop/; }
        location /index-regex/ { alias www/dir/; }
        location ~ ^/index-regex/.*\.html$ { return 200 "regex $uri\n"; }

        location /if-file/ { root www; if (!-f $request_filename) { rewrite ^ /return?missing last; } }
        location /if-root/ { root www; if (-f $document_root/ten) { return 200 "there\n"; } }
        location /if-dir/ { alias www/; if (-d $request_filename) { return 200 "folder\n"; } }
        location /rewritten/ { rewrite ^/rewritten/(.*)$ /$1 last; }
        location /broken/ { rewrite ^/broken/(.*)$ /$1 break; root other; }
        location /broken-alias/ { rewrite ^/broken-alias/(.*)$ /$1 break; alias other/; index index.html; }
        location /return { return 200 "$request_method $uri $is_args\n"; }

        location /limit/ { limit_except GET { proxy_pass http://127.0.0.1:ORIGIN; } alias www/; }
        location /limit-uri/ { limit_except GET { } proxy_pass http://127.0.0.1:ORIGIN/u/; }
        location /limit-head/ { limit_except HEAD { proxy_pass http://127.0.0.1:ORIGIN; } alias www/; }
        location /limit-rewrite/ { limit_except GET { proxy_pass http://127.0.0.1:ORIGIN; } rewrite ^ /ten last; }
        location /limit-try/ { limit_except GET { } try_files /ten =404; root www; }
        location /limit-if/ { limit_except GET { proxy_pass http://127.0.0.1:ORIGIN; } if ($arg_i) { set $x 1; } alias www/; }
        location /limit-log/ { limit_except GET { access_log off; } alias www/; }
        location /limit-page/ { limit_except GET { } error_page 405 /page404.html; alias www/; }
        location /limit-nested/ { limit_except GET { proxy_pass http://127.0.0.1:ORIGIN; } location /limit-nested/in/ { alias www/; } alias www/; }
        location ~ ^/limit-regex/(.*)$ { limit_except GET { proxy_pass http://127.0.0.1:ORIGIN; } alias www/$1; }
        location /limit-named/ { try_files /none @limited; }
        location @limited { limit_except GET { proxy_pass http://127.0.0.1:ORIGIN; } return 200 "named\n"; }

        location /inherited/ { internal; location /inherited/in/ { alias www/; } location ~ \.html$ { return 200; } }
        location /to-inherited/ { rewrite ^/to-(.*) /$1 last; }
        location /alias-glued { alias www/$arg_a; }
        location /if-closed/ { alias www/; if (-f $request_filename) { return 200 "there\n"; } }
        location /accel/ { proxy_pass http://127.0.0.1:ORIGIN; }
        location /relative { absolute_redirect off; }
        location /named-redirect { server_name_in_redirect on; port_in_redirect off; }
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name paged;
        error_page 403 404 405 500 /page404.html;
        location /none-either/ { root nowhere; }
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name prefixed;
        location / { try_files $uri $uri/ /page404.html; }
        location ~ \.html$ { add_header X-Html yes; }
        location ^~ /dir/ { index second.htm; }
    }
"""

_TARGETS = r"""
    / /add/ten /add/none /add/dir /add-over/ten /add-date/ten /add-trailer/ten /add-404/none /unchunked/ten
    /empty-type/ten /odd-type/ten /upper-type/x.tar.gz /upper-type/ten /upper-type/x.ten
    /page403/bare/ /page-empty/x /page-empty/x?p=/ten /page-empty/x?p=@in-file /page-empty/x?p=http://e.example/
    /page-missing/x /page-recursive/x /page-named/x /page-named-missing/ten /page-named-missing/dir/ /page-try/x
    /try-empty/ /try-slash/ /try-200/ /try-301/ /try-444/ /try-0/ /try-missing/ /try-last-folder/ /try-query/
    /try-nested/x /try-nested/in/x /try-nested/own/x /try-internal/ /try-if/ /try-if/?i=1 /try-return/x /try-return/stop
    /try-method/ /try-variable/?a=/ten /try-variable/?a=/x&b=/dir /try-variable/?a=ten /try-variable/
    /alias-try/ten /alias-try/dir /alias-try/none /alias-try/ /alias-try-none/ten /alias-try-none/x /alias-exact
    /alias-deep/dir/ /alias-deep/dir/index.html /alias-deep/page.html /alias-deep/root/x /alias-if/ten?i=1
    /alias-if/ten?r=1 /alias-if/ten /alias-part/ten.f /alias-part/dir/.f /alias-part/none.f
    /alias-captured/ten /CaseLess/ten /index-if/?i=1 /index-if/ /index-self/ /index-up/ /index-deep/ /index-loop/
    /index-regex/ /if-file/ten /if-file/../ten /if-root/ /if-dir/dir /if-dir/ten /if-dir/dir/ /rewritten/ten
    /rewritten/dir /rewritten/dir/ /broken/ten /broken/dir/ /broken-alias/ten /broken-alias/dir/ /relative /dir
    /inherited/in/ten /inherited/x.html /inherited/x /to-inherited/in/ten /alias-glued/?a=ten
    /alias-glued/?a=dir/ /if-closed/closed/x /if-closed/ten /limit/ten /limit-log/ten /limit-nested/in/ten /limit-named/x /secret/ten /ten%2f /dir%2findex.html
    /dir//index.html /./dir/../ten /ten?a=b /TEN /%74en /ten%20 /a%20b%25.txt?x=%25 /dir/%2e%2e/ten
""".split()  # noqa: SIM905 (a paragraph can be read)

_ACCEL = {
    "plain": ("/ten", ()),
    "typed": ("/ten", ("Content-Type: a/b",)),
    "validated": ("/ten", ("Last-Modified: Tue, 14 Nov 2023 22:13:19 GMT", 'ETag: "u"')),
    "internal": ("/secret/page.html", ("Set-Cookie: a=b", "X-Up: 1", "Content-Length: 3")),
    "missing": ("/none", ()),
    "folder": ("/dir/", ("Content-Type: a/b", "Cache-Control: no-cache")),
    "without a slash": ("/dir", ()),
    "a range": ("/ten", ("Accept-Ranges: none",)),
}


def _get(target: str, *lines: str, host: str = "first") -> bytes:
    return ask("GET", target, *lines, host=host)


CASES = [
    *(Case(f"GET {target}", _get(target)) for target in _TARGETS),
    Case("a long name", _get("/" + "x" * 300)),
    *(
        Case(f"{host} {target}", _get(target, host=host))
        for host in ("paged", "prefixed")
        for target in (
            *("/", "/ten", "/dir", "/dir/", "/bare/", "/none", "/secret", "/page.html"),
            *("/none-either/x", "/bare", "/none.html", "/dir/index.html", "/dir/none", "/closed/x"),
        )
    ),
    *(
        Case(f"{method} {target}", ask(method, target, *lines, body=body))
        for method, lines, body in (
            ("POST", ("Content-Length: 3",), b"abc"),
            ("PUT", ("Transfer-Encoding: chunked",), b"3\r\nabc\r\n0\r\n\r\n"),
            ("DELETE", (), b""),
        )
        for target in (
            *("/limit/ten", "/limit-uri/x", "/limit-head/ten", "/limit-rewrite/x", "/limit-try/x"),
            *("/limit-if/ten", "/limit-if/ten?i=1", "/limit-log/ten", "/limit-page/ten"),
            *("/limit-nested/in/ten", "/limit-nested/x", "/limit-regex/ten", "/limit-named/x"),
            *("/post405/ten", "/post405-other/ten", "/dir/", "/bare/", "/dir", "/try-method/"),
            *("/page-named/x", "/page-missing/x", "/accel/x", "/tried/x", "/try-200/"),
        )
    ),
    Case("paged POST", ask("POST", "/ten", host="paged")),
    Case("paged PUT", ask("PUT", "/", host="paged")),
    *(
        Case(f"{place}ten {' '.join(lines)}", _get(f"{place}ten", *lines))
        for place in (
            "/add/",
            "/add-over/",
            "/add-date/",
            "/add-412/",
            "/add-416/",
            "/add-trailer/",
        )
        for lines in (
            ("Range: bytes=0-4",),
            ("Range: bytes=0-1,3-4",),
            ("Range: bytes=20-",),
            (f"If-Modified-Since: {DATE}",),
            (f"If-Modified-Since: {BEFORE}",),
            (f"If-None-Match: {ETAG}",),
            ('If-None-Match: "x"',),
            ('If-Match: "x"',),
            ("Range: bytes=0-4", f"If-Range: {ETAG}"),
            ("Range: bytes=0-4", 'If-Range: "x"'),
        )
        # when a trailer is worked out is nginx's own affair
        if place != "/add-trailer/" or "," not in lines[0]
    ),
    *(
        Case(
            f"accel {name} {lines}",
            _get("/accel/x", *lines),
            [sized(b"up\n", *headers, f"X-Accel-Redirect: {target}")],
        )
        for name, (target, headers) in _ACCEL.items()
        for lines in ((), ("Range: bytes=1-2",), (f"If-None-Match: {ETAG}",))
    ),
    Case(
        "accel of a HEAD",
        ask("HEAD", "/accel/x"),
        [sized(b"", "X-Accel-Redirect: /ten")],
        heads=(0,),
    ),
    Case(
        "412 keeps no connection", ask("GET", "/ten", 'If-Match: "x"', close=False) + _get("/ten")
    ),
    Case("412 of a return", ask("GET", "/return", 'If-Match: "x"', close=False) + _get("/ten")),
    Case("416 keeps it", ask("GET", "/ten", "Range: bytes=20-", close=False) + _get("/ten")),
    Case(
        "405 keeps it",
        ask("PUT", "/ten", "Content-Length: 2", close=False, body=b"ab") + _get("/ten"),
    ),
    Case("two ranges", _get("/ten", "Range: bytes=0-1", "Range: bytes=2-3")),
    Case("expect", ask("PUT", "/ten", "Content-Length: 2", "Expect: 100-continue", body=b"ab")),
]
