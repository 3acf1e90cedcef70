"""Exchanges whose point is what the client sends."""

from likeness import Case
from relay_setup import ask, get, head

BIG = bytes(range(33, 127)) * 3000
POST = ask("POST", "/post", "Content-Length: 5", body=b"12345")

REQUESTS = [
    Case("get", get()),
    Case("http10", get(version="1.0", close=False)),
    Case(
        "http10-keepalive",
        get("/a", "Connection: keep-alive", version="1.0", close=False)
        + get(version="1.0", close=False),
    ),
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
    Case(
        "variables",
        get(
            "/v?a=x&b=y%20z",
            "X-One: 1",
            "X-One: 2",
            "Cookie: c=cookie; d=e",
            'Referer: http://r/"quoted"',
            "User-Agent: agent\\x",
            "Authorization: Basic dXNlcjpwdw==",
            "X-Forwarded-For: 1.2.3.4, 5.6.7.8",
            "Content-Type: a/b",
        ),
    ),
    Case("cookies-twice", get("/v", "Cookie: a=b", "Cookie: c=second")),
    Case("bytes-in-head", get("/v", "X-One: \xe9\xff")),
    Case("escapes", get("/a%20b/%2e%2e/c%2Fd//e/./f")),
    Case("escaped-null", get("/a%00b")),
    Case("bad-escape", get("/a%zzb")),
    Case("above-root", get("/../x")),
    Case("odd-bytes-in-target", get('/\xe9"<>|')),
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
    Case(
        "hop-by-hop",
        get(
            "/",
            "Keep-Alive: 5",
            "TE: trailers",
            "Upgrade: x",
            "Trailer: y",
            "Proxy-Connection: z",
            "Expect: 100-continue",
        ),
    ),
    Case("head", ask("HEAD", "/"), heads=[0], answer=[head("200 OK", "Content-Length: 77")]),
    Case(
        "head-chunked",
        ask("HEAD", "/"),
        heads=[0],
        answer=[head("200 OK", "Transfer-Encoding: chunked")],
    ),
    Case("head-no-length", ask("HEAD", "/"), heads=[0], answer=[head("200 OK"), "fin"]),
    Case("pipelined", get("/1", close=False) + get("/2", close=False) + get("/3")),
    Case(
        "pipelined-with-bodies",
        ask("POST", "/1", "Content-Length: 4", body=b"abcd", close=False)
        + ask("POST", "/2", "Transfer-Encoding: chunked", body=b"2\r\nxy\r\n0\r\n\r\n", close=False)
        + get("/3"),
    ),
    Case(
        "pipelined-kept", get("/kept/1", close=False) + get("/kept/2", close=False) + get("/kept/3")
    ),
    Case(
        "pipelined-returns",
        get("/text/1", close=False)
        + ask("HEAD", "/text/2", close=False)
        + get("/moved/?a", close=False)
        + get("/none/"),
        heads=[1],
    ),
]

BODIES = [
    Case("post", POST),
    Case("post-in-pieces", [POST[:20], POST[20:-3], POST[-3:-1], POST[-1:]]),
    Case("post-empty", ask("POST", "/", "Content-Length: 0")),
    Case("post-none", ask("POST", "/")),
    Case(
        "post-chunked",
        ask(
            "POST",
            "/",
            "Transfer-Encoding: chunked",
            body=b"3\r\nabc\r\n1a;x=y\r\n" + b"z" * 26 + b"\r\n0\r\nT: r\r\n\r\n",
        ),
    ),
    Case("post-chunked-empty", ask("POST", "/", "Transfer-Encoding: chunked", body=b"0\r\n\r\n")),
    Case("post-chunked-bad", ask("POST", "/", "Transfer-Encoding: chunked", body=b"xyz\r\n")),
    Case(
        "post-chunked-10",
        ask("POST", "/", "Transfer-Encoding: chunked", version="1.0", body=b"0\r\n\r\n"),
    ),
    Case("post-gzip", ask("POST", "/", "Transfer-Encoding: gzip", body=b"0\r\n\r\n")),
    Case(
        "post-both",
        ask("POST", "/", "Transfer-Encoding: chunked", "Content-Length: 5", body=b"0\r\n\r\n"),
    ),
    Case(
        "post-two-lengths",
        ask("POST", "/", "Content-Length: 5", "Content-Length: 5", body=b"12345"),
    ),
    Case("post-bad-length", ask("POST", "/", "Content-Length: 5x", body=b"12345")),
    Case("post-old", ask("POST", "/old/", "Content-Length: 5", body=b"12345")),
    Case(
        "post-chunked-old",
        ask("POST", "/old/", "Transfer-Encoding: chunked", body=b"3\r\nabc\r\n0\r\n\r\n"),
    ),
    Case("post-large", ask("POST", "/", f"Content-Length: {len(BIG)}", body=BIG)),
    Case("get-with-body", ask("GET", "/", "Content-Length: 3", body=b"abc")),
    Case("expect", [ask("POST", "/", "Content-Length: 3", "Expect: 100-continue"), b"abc"]),
    Case(
        "expect-with-body",
        ask("POST", "/", "Content-Length: 3", "Expect: 100-continue", body=b"abc"),
    ),
    Case("expect-unknown", ask("POST", "/", "Content-Length: 3", "Expect: cake", body=b"abc")),
    Case(
        "expect-10",
        ask("POST", "/", "Content-Length: 3", "Expect: 100-continue", version="1.0", body=b"abc"),
    ),
    Case(
        "expect-return",
        ask("POST", "/text/", "Content-Length: 3", "Expect: 100-continue", body=b"abc"),
    ),
    Case("limited-ok", ask("POST", "/limited/", "Content-Length: 10", body=b"1234567890")),
    Case("limited", ask("POST", "/limited/", "Content-Length: 11", body=b"12345678901")),
    Case(
        "limited-chunked",
        ask(
            "POST", "/limited/", "Transfer-Encoding: chunked", body=b"b\r\n12345678901\r\n0\r\n\r\n"
        ),
    ),
    Case(
        "limited-expect",
        ask("POST", "/limited/", "Content-Length: 11", "Expect: 100-continue"),
        half_close=True,
    ),
    Case("limited-return", ask("POST", "/text/", "Content-Length: 2000000"), half_close=True),
    Case(
        "body-for-return",
        ask("POST", "/text/", "Content-Length: 3", body=b"abc", close=False) + get("/text/"),
    ),
    Case("body-cut-off", ask("POST", "/", "Content-Length: 30", body=b"abc"), half_close=True),
    Case("head-cut-off", b"GET / HTTP/1.1\r\nHost: fi", half_close=True),
    Case("line-cut-off", b"GET / HT", half_close=True),
    Case("nothing", b"", half_close=True),
    Case("nothing-timeout", b""),
    Case("line-timeout", b"GET / HT"),
    Case("head-timeout", b"GET / HTTP/1.1\r\nHost: first\r\nX-O"),
    Case("keepalive-timeout", get("/brief/", close=False)),
    Case("keepalive-closed", get("/text/", close=False), half_close=True),
    Case("body-timeout", ask("POST", "/slow-body/", "Content-Length: 30", body=b"abc")),
    Case(
        "body-timeout-chunked",
        ask("POST", "/slow-body/", "Transfer-Encoding: chunked", body=b"5\r\nabc"),
    ),
    Case("head-then-gone", ask("POST", "/", "Content-Length: 30"), half_close=True),
]
