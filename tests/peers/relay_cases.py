"""The exchanges that are compared between nginx and Surehop."""

import threading

from likeness import Case
from scripted import OK, Answer

# The configuration of both. ORIGIN is the scripted origin's port, REFUSED one that refuses.
HTTP = """
    keepalive_timeout 5s;
    upstream kept { server 127.0.0.1:ORIGIN; }
    upstream two { server 127.0.0.1:REFUSED max_fails=0; server 127.0.0.1:ORIGIN; }
    upstream dead { server 127.0.0.1:REFUSED; server 127.0.0.2:REFUSED; }
    upstream spare { server 127.0.0.1:REFUSED; server 127.0.0.1:ORIGIN backup; }
    upstream both { server 127.0.0.1:ORIGIN max_fails=0; server 127.0.0.1:ORIGIN max_fails=0; }
    server {
        listen 127.0.0.1:@PORT@;
        server_name first first.example;
        location / { proxy_pass http://127.0.0.1:ORIGIN; }
        location /marker/ { return 204; }
        location /kept/ { proxy_pass http://kept; }
        location /two/ { proxy_pass http://two; }
        location /dead/ { proxy_pass http://dead; }
        location /spare/ { proxy_pass http://spare; }
        location /both/ { proxy_pass http://both; }
        location /both-more/ {
            proxy_pass http://both;
            proxy_next_upstream error timeout http_503 http_404 non_idempotent;
        }
        location /both-bad/ { proxy_pass http://both; proxy_next_upstream invalid_header; }
        location /both-off/ { proxy_pass http://both; proxy_next_upstream off; }
        location /uri/ { proxy_pass http://127.0.0.1:ORIGIN/replaced/; }
        location = /exact { proxy_pass http://127.0.0.1:ORIGIN/was-exact; }
        location /exact { return 200 "not exact: $uri"; }
        location /bare { proxy_pass http://127.0.0.1:ORIGIN/b; }
        location /old/ { proxy_pass http://127.0.0.1:ORIGIN; proxy_http_version 1.0; }
        location /unbuffered/ { proxy_pass http://127.0.0.1:ORIGIN; proxy_buffering off; }
        location /set/ {
            proxy_pass http://127.0.0.1:ORIGIN;
            proxy_set_header Host $host:$server_port;
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
            proxy_set_header Accept-Encoding "";
            proxy_set_header X-Empty $arg_nothing;
            proxy_set_header Connection close;
        }
        location /upgrade/ {
            proxy_pass http://127.0.0.1:ORIGIN;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection "upgrade";
        }
        location /quick/ { proxy_pass http://127.0.0.1:ORIGIN; proxy_read_timeout 120ms; }
        location /quick-both/ { proxy_pass http://both; proxy_read_timeout 120ms; }
        location /limited/ { proxy_pass http://127.0.0.1:ORIGIN; client_max_body_size 10; }
        location /unlimited/ { proxy_pass http://127.0.0.1:ORIGIN; client_max_body_size 0; }
        location /once/ { proxy_pass http://127.0.0.1:ORIGIN; keepalive_timeout 0; }
        location /said/ { proxy_pass http://127.0.0.1:ORIGIN; keepalive_timeout 5s 7s; }
        location /twice/ { proxy_pass http://127.0.0.1:ORIGIN; keepalive_requests 2; }
        location /page/ { return 503; }
        location /text/ { return 200 "uri $uri args $args\\n"; }
        location /empty/ { return 200; }
        location /none/ { return 204; }
        location /odd/ { return 299 "odd"; }
        location /teapot/ { return 418; }
        location /moved/ { return 301 /there$is_args$args; }
        location /away/ { return http://elsewhere.example/x; }
        location /see/ { return 303 https://$host$request_uri; }
        location /temporary/ { return 307 /t; }
        location /permanent/ { return 308 /p; }
        location /drop/ { return 444; }
        location /404/ { return 404 "mine\\n"; }
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name second second.example;
        location / { return 200 "second $server_name $host\\n"; }
        location /deep/ { return 200 "deep\\n"; }
        location = /deep/er { return 200 "deeper\\n"; }
        location /deep/er { return 200 "prefix deeper\\n"; }
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name third;
        location /only/ { return 200 "only\\n"; }
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name all;
        return 200 "all $uri\\n";
    }
"""

# Every variable that both have; those that differ from run to run as shapes.
LOGGED = (
    "host http_host http_x_one http_user_agent http_referer http_cookie arg_a arg_B cookie_c "
    "sent_http_content_type sent_http_content_length sent_http_location "
    "sent_http_transfer_encoding sent_http_x_up upstream_http_x_up upstream_http_content_type "
    "request request_uri uri document_uri args query_string is_args request_method scheme https "
    "server_protocol server_name server_addr server_port remote_addr remote_user status "
    "body_bytes_sent request_length request_time request_completion content_type content_length "
    "connection_requests connection_time hostname pipe proxy_host proxy_port "
    "proxy_add_x_forwarded_for upstream_addr upstream_status upstream_connect_time "
    "upstream_header_time upstream_response_time upstream_response_length "
    "upstream_bytes_received upstream_bytes_sent"
).split()


def get(target: str = "/", *lines: str, version: str = "1.1", close: bool = True) -> bytes:
    """A GET that asks for the connection to be closed, as most cases want it."""
    return ask("GET", target, *lines, version=version, close=close)


def ask(
    method: str,
    target: str,
    *lines: str,
    version: str = "1.1",
    close: bool = True,
    body: bytes = b"",
    host: str = "first",
) -> bytes:
    """A request with these further lines."""
    head = [f"{method} {target} HTTP/{version}", f"Host: {host}", *lines]
    if close:
        head.append("Connection: close")
    return "\r\n".join([*head, "", ""]).encode("latin-1") + body


def head(status: str, *lines: str, version: str = "1.1") -> bytes:
    """The head of an answer."""
    return "\r\n".join([f"HTTP/{version} {status}", *lines, "", ""]).encode("latin-1")


def sized(body: bytes, *lines: str, status: str = "200 OK") -> bytes:
    """An answer with a length."""
    return head(status, f"Content-Length: {len(body)}", *lines) + body


CHUNKED = head("200 OK", "Transfer-Encoding: chunked", "Content-Type: text/x") + (
    b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
)
BIG = bytes(range(33, 127)) * 3000
POST = ask("POST", "/post", "Content-Length: 5", body=b"12345")
NEVER = threading.Event()

REQUESTS = [
    Case("get", get()),
    Case("http10", get(version="1.0", close=False)),
    Case("http10-keepalive", get("/a", "Connection: keep-alive", version="1.0", close=False)
         + get(version="1.0", close=False)),
    Case("http10-no-host", b"GET /x HTTP/1.0\r\n\r\n"),
    Case("http11-no-host", b"GET /x HTTP/1.1\r\n\r\n"),
    Case("lf-only", b"GET /lf HTTP/1.1\nHost: first\nX-One:  blanks  \nConnection: close\n\n"),
    Case("leading-empty-lines", b"\r\n\n\r\n" + get()),
    Case("absolute-target", ask("GET", "http://second.example/deep/x?y=1")),
    Case("absolute-target-proxied", ask("GET", "http://first/deep/x?y=1")),
    Case("absolute-target-bare", ask("GET", "http://first")),
    Case("query", get("/q?a=1&b=2&a=3")),
    Case("query-empty", get("/q?")),
    Case("query-question", get("/q?x?y")),
    Case("fragment", get("/q#frag")),
    Case("variables", get("/v?a=x&b=y%20z", "X-One: 1", "X-One: 2", "Cookie: c=cookie; d=e",
         'Referer: http://r/"quoted"', "User-Agent: agent\\x", "Authorization: Basic dXNlcjpwdw==",
         "X-Forwarded-For: 1.2.3.4, 5.6.7.8", "Content-Type: a/b")),
    Case("cookies-twice", get("/v", "Cookie: a=b", "Cookie: c=second")),
    Case("bytes-in-head", get("/v", "X-One: \xe9\xff")),
    Case("escapes", get("/a%20b/%2e%2e/c%2Fd//e/./f")),
    Case("escaped-null", get("/a%00b")),
    Case("bad-escape", get("/a%zzb")),
    Case("above-root", get("/../x")),
    Case("odd-bytes-in-target", get("/\xe9\"<>|")),
    Case("underscored-header", get("/", "X_One: 1", "X-Two: 2")),
    Case("empty-header", get("/", "X-One:", "X-Two: 2")),
    Case("space-before-colon", get("/", "X-One : 1")),
    Case("folded-header", get("/", "X-One: 1\r\n folded")),
    Case("control-in-header", get("/", "X-One: a\x01b")),
    Case("tab-in-header", get("/", "X-One:\ta\tb\t")),
    Case("nul-in-header", get("/", "X-One: a\0b")),
    Case("bare-cr", get("/", "X-One: a\rb")),
    Case("two-hosts", get("/", "Host: second")),
    Case("bad-host", b"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"),
    Case("bad-method", b"ge+t / HTTP/1.1\r\nHost: first\r\n\r\n"),
    Case("no-request", b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n"),
    Case("http2-preface", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    Case("http09", b"GET /\r\n"),
    Case("http12", get(version="1.2")),
    Case("http3", get(version="3.0")),
    Case("connect", b"CONNECT first:443 HTTP/1.1\r\nHost: first\r\n\r\n"),
    Case("trace", ask("TRACE", "/")),
    Case("options-star", ask("OPTIONS", "*")),
    Case("options", ask("OPTIONS", "/o")),
    Case("strange-method", ask("FROB", "/")),
    Case("delete", ask("DELETE", "/d")),
    Case("put", ask("PUT", "/d", "Content-Length: 3", body=b"abc")),
    Case("long-uri", get("/" + "u" * 9000)),
    Case("long-header", get("/", "X-One: " + "h" * 9000)),
    Case("large-head", get("/", *(f"X-{i}: " + "h" * 4000 for i in range(9)))),
    Case("head-of-6k", get("/", *(f"X-{i}: " + "h" * 1000 for i in range(6)))),
    Case("hop-by-hop", get("/", "Keep-Alive: 5", "TE: trailers", "Upgrade: x", "Trailer: y",
         "Proxy-Connection: z", "Expect: 100-continue"), blind=()),
    Case("head", ask("HEAD", "/"), heads=[0], answer=[head("200 OK", "Content-Length: 77")]),
    Case("head-chunked", ask("HEAD", "/"), heads=[0],
         answer=[head("200 OK", "Transfer-Encoding: chunked")]),
    Case("head-no-length", ask("HEAD", "/"), heads=[0], answer=[head("200 OK"), "fin"]),
    Case("pipelined", get("/1", close=False) + get("/2", close=False) + get("/3")),
    Case("pipelined-with-bodies", ask("POST", "/1", "Content-Length: 4", body=b"abcd", close=False)
         + ask("POST", "/2", "Transfer-Encoding: chunked", body=b"2\r\nxy\r\n0\r\n\r\n", close=False)
         + get("/3")),
    Case("pipelined-kept", get("/kept/1", close=False) + get("/kept/2", close=False)
         + get("/kept/3")),
    Case("pipelined-returns", get("/text/1", close=False) + ask("HEAD", "/text/2", close=False)
         + get("/moved/?a", close=False) + get("/none/"), heads=[1]),
]

BODIES = [
    Case("post", POST),
    Case("post-in-pieces", [POST[:20], POST[20:-3], POST[-3:-1], POST[-1:]]),
    Case("post-empty", ask("POST", "/", "Content-Length: 0")),
    Case("post-none", ask("POST", "/")),
    Case("post-chunked", ask("POST", "/", "Transfer-Encoding: chunked",
         body=b"3\r\nabc\r\n1a;x=y\r\n" + b"z" * 26 + b"\r\n0\r\nT: r\r\n\r\n")),
    Case("post-chunked-empty", ask("POST", "/", "Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    Case("post-chunked-bad", ask("POST", "/", "Transfer-Encoding: chunked", body=b"xyz\r\n")),
    Case("post-chunked-10", ask("POST", "/", "Transfer-Encoding: chunked", version="1.0",
         body=b"0\r\n\r\n")),
    Case("post-gzip", ask("POST", "/", "Transfer-Encoding: gzip", body=b"0\r\n\r\n")),
    Case("post-both", ask("POST", "/", "Transfer-Encoding: chunked", "Content-Length: 5",
         body=b"0\r\n\r\n")),
    Case("post-two-lengths", ask("POST", "/", "Content-Length: 5", "Content-Length: 5",
         body=b"12345")),
    Case("post-bad-length", ask("POST", "/", "Content-Length: 5x", body=b"12345")),
    Case("post-old", ask("POST", "/old/", "Content-Length: 5", body=b"12345")),
    Case("post-chunked-old", ask("POST", "/old/", "Transfer-Encoding: chunked",
         body=b"3\r\nabc\r\n0\r\n\r\n")),
    Case("post-large", ask("POST", "/", f"Content-Length: {len(BIG)}", body=BIG)),
    Case("get-with-body", ask("GET", "/", "Content-Length: 3", body=b"abc")),
    Case("expect", [ask("POST", "/", "Content-Length: 3", "Expect: 100-continue"), b"abc"]),
    Case("expect-with-body", ask("POST", "/", "Content-Length: 3", "Expect: 100-continue",
         body=b"abc")),
    Case("expect-unknown", ask("POST", "/", "Content-Length: 3", "Expect: cake", body=b"abc")),
    Case("expect-10", ask("POST", "/", "Content-Length: 3", "Expect: 100-continue", version="1.0",
         body=b"abc")),
    Case("expect-return", ask("POST", "/text/", "Content-Length: 3", "Expect: 100-continue",
         body=b"abc")),
    Case("limited-ok", ask("POST", "/limited/", "Content-Length: 10", body=b"1234567890")),
    Case("limited", ask("POST", "/limited/", "Content-Length: 11", body=b"12345678901")),
    Case("limited-chunked", ask("POST", "/limited/", "Transfer-Encoding: chunked",
         body=b"b\r\n12345678901\r\n0\r\n\r\n")),
    Case("limited-expect", ask("POST", "/limited/", "Content-Length: 11", "Expect: 100-continue")),
    Case("limited-return", ask("POST", "/text/", "Content-Length: 2000000")),
    Case("body-for-return", ask("POST", "/text/", "Content-Length: 3", body=b"abc", close=False)
         + get("/text/")),
    Case("body-cut-off", ask("POST", "/", "Content-Length: 30", body=b"abc"), half_close=True),
    Case("head-cut-off", b"GET / HTTP/1.1\r\nHost: fi", half_close=True),
    Case("line-cut-off", b"GET / HT", half_close=True),
    Case("nothing", b"", half_close=True),
]

ANSWERS = [
    Case("length", get(), [sized(b"hello", "X-Up: 1", "X-up: 2", "content-type: a/b")]),
    Case("chunked", get(), [CHUNKED]),
    Case("chunked-to-10", get(version="1.0", close=False), [CHUNKED]),
    Case("chunked-to-10-keepalive", get("/", "Connection: keep-alive", version="1.0", close=False),
         [CHUNKED]),
    Case("until-close", get(), [head("200 OK"), b"some", b" text", "fin"]),
    Case("until-close-keepalive", get(close=False) + get(), [head("200 OK"), b"text", "fin"]),
    Case("until-close-to-10", get(version="1.0", close=False), [head("200 OK"), b"text", "fin"]),
    Case("http10-answer", get(), [head("200 OK", "Content-Length: 2", version="1.0") + b"ok"]),
    Case("empty", get(), [sized(b"")]),
    Case("large", get(), [sized(BIG)]),
    Case("large-chunked", get(), [head("200 OK", "Transfer-Encoding: chunked")
         + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BIG), BIG)]),
    Case("unbuffered", get("/unbuffered/"), [CHUNKED]),
    Case("in-pieces", get(), [b"HTT", b"P/1.1 200 O", b"K\r\nContent-Le", b"ngth: 4\r\n\r", b"\nab",
         b"cd"]),
    Case("204", get(), [head("204 No Content")]),
    Case("204-with-length", get(), [head("204 No Content", "Content-Length: 0")]),
    Case("304", get(), [head("304 Not Modified", 'ETag: "x"', "Content-Type: a/b")]),
    Case("304-with-length", get(), [head("304 Not Modified", "Content-Length: 55")]),
    Case("404", get(), [sized(b"no", status="404 Not Found")]),
    Case("500", get(), [sized(b"no", status="500 Oh Dear")]),
    Case("999", get(), [sized(b"no", status="999 What")]),
    Case("no-reason", get(), [sized(b"ok", status="200")]),
    Case("no-reason-blank", get(), [sized(b"ok", status="200 ")]),
    Case("100", get(), [head("100 Continue"), OK]),
    Case("103", get(), [head("103 Early Hints", "Link: </s>"), OK]),
    Case("many-interim", get(), [*[head("102 Processing")] * 5, OK]),
    Case("redirect", get(), [sized(b"", "Location: http://127.0.0.1/x", status="302 Found")]),
    Case("hop-by-hop", get(), [sized(b"ok", "Connection: close, X-Named", "Keep-Alive: timeout=5",
         "X-Named: 1", "Trailer: t", "Upgrade: u", "Proxy-Connection: x", "TE: x")]),
    Case("own-headers", get(), [sized(b"ok", "Server: theirs", "Date: theirs", "X-Pad: 1",
         "X-Accel-Expires: 1", "X-Accel-Limit-Rate: off", "Via: 1.1 x", "Set-Cookie: a=b",
         "Set-Cookie: c=d", "Cache-Control: no-cache", "Cache-Control: private", "Vary: a",
         "Last-Modified: Tue, 01 Jan 2030 00:00:00 GMT", 'ETag: W/"e"', "Accept-Ranges: bytes")]),
    Case("duplicates", get(), [sized(b"ok", "Content-Type: a/b", "Content-Type: c/d",
         "Location: /x", "Location: /y", "ETag: a", "ETag: b")]),
    Case("two-lengths", get(), [sized(b"ok", "Content-Length: 3")]),
    Case("bad-length", get(), [head("200 OK", "Content-Length: x")]),
    Case("length-and-chunked", get(), [sized(b"ok", "Transfer-Encoding: chunked")]),
    Case("gzip-encoding", get(), [head("200 OK", "Transfer-Encoding: gzip"), b"x", "fin"]),
    Case("bad-chunks", get(), [head("200 OK", "Transfer-Encoding: chunked"), b"zz\r\n", "fin"]),
    Case("chunks-cut-off", get(), [head("200 OK", "Transfer-Encoding: chunked"),
         b"5\r\nhello\r\n", "fin"]),
    Case("cut-off", get(), [head("200 OK", "Content-Length: 10"), b"12345", "fin"]),
    Case("cut-off-before-body", get(), [head("200 OK", "Content-Length: 10"), "fin"]),
    Case("surplus", get(), [sized(b"ok") + b"more"]),
    Case("surplus-head", ask("HEAD", "/"), [sized(b"ok")], heads=[0]),
    Case("surplus-204", get(), [head("204 No Content") + b"more"]),
    Case("no-answer", get(), ["fin"]),
    Case("reset", get(), ["rst"]),
    Case("half-head", get(), [b"HTTP/1.1 200 OK\r\nContent-Ty", "fin"]),
    Case("bad-header", get(), [head("200 OK", "X Bad: 1")]),
    Case("nul-header", get(), [head("200 OK", "X: a\0b")]),
    Case("too-big-head", get(), [head("200 OK", "X: " + "x" * 9000)]),
    Case("big-head", get(), [head("200 OK", "Content-Length: 0", "X: " + "x" * 3000)]),
    Case("read-timeout", get("/quick/"), ["hang"]),
    Case("read-timeout-half-head", get("/quick/"), [b"HTTP/1.1 200", "hang"]),
    Case("read-timeout-body", get("/quick/"), [head("200 OK", "Content-Length: 10"), b"12", "hang"]),
    Case("read-timeout-both", get("/quick-both/"), ["hang"]),
    Case("read-timeout-post-both", ask("POST", "/quick-both/", "Content-Length: 1", body=b"x"),
         ["hang"]),
    Case("early-answer", ask("POST", "/", "Content-Length: 3", body=b"abc"), [OK], early=True),
    Case("closed-reused", get("/kept/1", close=False) + get("/kept/2"),
         answers={"/kept/2": Answer(("fin",))}),
    Case("closed-reused-post", get("/kept/1", close=False)
         + ask("POST", "/kept/2", "Content-Length: 1", body=b"x"),
         answers={"/kept/2": Answer(("fin",))}),
    Case("connection-close-kept", get("/kept/1", close=False) + get("/kept/2"),
         [sized(b"ok", "Connection: close")]),
    Case("left-while-waiting", get(), ["hang"], leave=True),
]

ROUTES = [
    Case("second-server", ask("GET", "/x", host="second.example")),
    Case("server-case", ask("GET", "/x", host="SECOND.example:81")),
    Case("server-dot", ask("GET", "/x", host="second.example.")),
    Case("unknown-server", ask("GET", "/text/", host="nobody")),
    Case("longest-prefix", ask("GET", "/deep/x", host="second")),
    Case("exact-first", ask("GET", "/deep/er", host="second")),
    Case("exact-not", ask("GET", "/deep/erx", host="second")),
    Case("no-location", ask("GET", "/else", host="third")),
    Case("no-location-head", ask("HEAD", "/else", host="third"), heads=[0]),
    Case("server-return", ask("GET", "/a/b?c", host="all")),
    Case("exact", get("/exact?x=1")),
    Case("exact-longer", get("/exactly")),
    Case("uri", get("/uri/a/b?c=d")),
    Case("uri-root", get("/uri/")),
    Case("uri-escaped", get("/uri/a%20b%2Fc/%C3%A9?q=%20")),
    Case("uri-dots", get("/uri/a/../b//c")),
    Case("uri-bare", get("/barefoot")),
    Case("auto-slash", get("/kept")),
    Case("auto-slash-query", get("/uri?x=1")),
    Case("auto-slash-post", ask("POST", "/uri", "Content-Length: 1", body=b"x")),
    Case("auto-slash-not-for-return", get("/text")),
    Case("set-headers", get("/set/", "X-Real-IP: 6.6.6.6", "X-Forwarded-For: 1.1.1.1", "X-Empty: x",
         "Accept-Encoding: gzip", "Accept: a")),
    Case("set-headers-host", ask("GET", "/set/", host="FIRST:9")),
    Case("upgrade-refused", get("/upgrade/", "Upgrade: websocket"), [OK]),
    Case("old", get("/old/")),
    Case("old-keepalive", get("/old/", close=False) + get("/old/")),
    Case("once", get("/once/", close=False)),
    Case("said", get("/said/", close=False) + get("/said/")),
    Case("twice", get("/twice/", close=False) + get("/twice/", close=False)
         + get("/twice/", close=False)),
    Case("page", get("/page/")),
    Case("page-head", ask("HEAD", "/page/"), heads=[0]),
    Case("page-padded", get("/page/", "User-Agent: Mozilla/5.0 Chrome/1")),
    Case("page-keepalive", get("/page/", close=False) + get("/page/")),
    Case("text", get("/text/%41?a=b")),
    Case("return-empty", get("/empty/")),
    Case("return-204", get("/none/")),
    Case("return-odd", get("/odd/")),
    Case("return-teapot", get("/teapot/")),
    Case("return-404", get("/404/")),
    Case("return-301", get("/moved/?x=1")),
    Case("return-301-host", ask("GET", "/moved/", host="First.Example:1234")),
    Case("return-301-10", b"GET /moved/ HTTP/1.0\r\n\r\n"),
    Case("return-url", get("/away/")),
    Case("return-303", get("/see/x?y")),
    Case("return-307", ask("POST", "/temporary/", "Content-Length: 0")),
    Case("return-308", get("/permanent/")),
    Case("return-444", get("/drop/")),
    Case("refused-next", get("/two/x")),
    Case("refused-next-post", ask("POST", "/two/x", "Content-Length: 1", body=b"x")),
    Case("refused-all", get("/dead/x")),
    Case("no-live", get("/dead/x")),
    Case("backup", get("/spare/x")),
    Case("backup-again", get("/spare/x")),
    Case("closed-both", get("/both/x"), ["fin"]),
    Case("reset-both", get("/both/x"), ["rst"]),
    Case("closed-both-post", ask("POST", "/both/x", "Content-Length: 1", body=b"x"), ["fin"]),
    Case("closed-both-post-more", ask("POST", "/both-more/x", "Content-Length: 1", body=b"x"),
         ["fin"]),
    Case("status-both", get("/both-more/x"), [sized(b"503\n", status="503 Busy")]),
    Case("status-both-404", get("/both-more/x"), [sized(b"404\n", status="404 Not Found")]),
    Case("invalid-both", get("/both-bad/x"), [head("200 OK", "X Bad: 1")]),
    Case("invalid-not-listed", get("/both/x"), [head("200 OK", "X Bad: 1")]),
    Case("closed-off", get("/both-off/x"), ["fin"]),
]
