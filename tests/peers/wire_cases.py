"""Raw messages that nginx and the wire crate are both asked about, and where they may differ."""

HOST = b"Host: h\r\n"


def _request(line: bytes, lines: bytes = HOST, body: bytes = b"") -> bytes:
    return line + b"\r\n" + lines + b"\r\n" + body


def _get(lines: bytes, body: bytes = b"") -> bytes:
    return _request(b"GET / HTTP/1.1", HOST + lines, body)


def _response(lines: bytes = b"", line: bytes = b"HTTP/1.1 200 OK", body: bytes = b"ok") -> bytes:
    return line + b"\r\n" + lines + b"\r\n" + body


_LINES = [
    *(b"GET / HTTP/1.1", b"get / HTTP/1.1", b"G_-T / HTTP/1.1", b"HELP / HTTP/1.1"),
    *(b"123 / HTTP/1.1", b"GET  / HTTP/1.1", b"GET /  HTTP/1.1", b"GET / HTTP/1.1  "),
    *(b"GET /\tHTTP/1.1", b"GET /a b HTTP/1.1", b"GET / HTTP/1.2", b"GET / HTTP/1.99"),
    *(b"GET / HTTP/1.999", b"GET / HTTP/1.1000", b"GET / HTTP/2.0", b"GET / HTTP/0.9"),
    *(b"GET / HTTP/01.1", b"GET / HTTP/1.01", b"GET / HTTP/11.1", b"GET / HTTP/1."),
    *(b"GET / HTTP/1", b"GET / HTTPS/1.1", b"GET / http/1.1", b"GET /", b"POST /", b"GET"),
    *(b"GET ", b"GET x HTTP/1.1", b"GET * HTTP/1.1", b"OPTIONS * HTTP/1.1", b"GET ?a HTTP/1.1"),
    *(b"CONNECT a:80 HTTP/1.1", b"CONNECT / HTTP/1.1", b"TRACE / HTTP/1.1", b"PRI * HTTP/2.0"),
    *(b"GET http://b/x?y HTTP/1.1", b"GET http://b HTTP/1.1", b"GET http://b?x=1 HTTP/1.1"),
    *(b"GET http://b:81/x HTTP/1.1", b"GET http://B.c.:81/x HTTP/1.1", b"GET http://b: HTTP/1.1"),
    *(
        b"GET http://[::1]:81/x HTTP/1.1",
        b"GET http://[::g]/x HTTP/1.1",
        b"GET http://u@b/x HTTP/1.1",
    ),
    *(b"GET http:///x HTTP/1.1", b"GET http://a_b/x HTTP/1.1", b"GET h1+-.://b/x HTTP/1.1"),
    *(b"GET http:/b/x HTTP/1.1", b"GET http://b:99999/ HTTP/1.1", b"GET http://b:8x/ HTTP/1.1"),
    *(b"GET http://b#f HTTP/1.1", b"GET http://b/../x HTTP/1.1", b"GET http://b..c/ HTTP/1.1"),
    *(
        b"GET /a\x01 HTTP/1.1",
        b"GET /a\x7f HTTP/1.1",
        b"GET /a\x80\xff HTTP/1.1",
        b"GET /a\0 HTTP/1.1",
    ),
    *(b"GET /a\"<>\\^`{|}' HTTP/1.1", b"GET /a#f?x HTTP/1.1", b"GET /a?x#f HTTP/1.1"),
    *(b"GET /%00 HTTP/1.1", b"GET /%2 HTTP/1.1", b"GET /%zz HTTP/1.1", b"GET /?%zz%00 HTTP/1.1"),
    *(
        b"GET /.. HTTP/1.1",
        b"GET /a/../.. HTTP/1.1",
        b"GET /a/..%2f..%2f HTTP/1.1",
        b"GET /./.. HTTP/1.1",
    ),
    *(b"GET /a/./b//c/../d HTTP/1.1", b"GET /%2e%2e/a HTTP/1.1", b"GET /a/%2e%2E/b HTTP/1.1"),
    *(
        b"GET /a%2Fb HTTP/1.1",
        b"GET /a%3Fb HTTP/1.1",
        b"GET /a%23b HTTP/1.1",
        b"GET /a%25b HTTP/1.1",
    ),
    *(
        b"GET /a%2561 HTTP/1.1",
        b"GET /a+b%20c HTTP/1.1",
        b"GET /a/.. HTTP/1.1",
        b"GET /a/. HTTP/1.1",
    ),
    *(b"GET /... HTTP/1.1", b"GET /a/..b HTTP/1.1", b"GET /.a HTTP/1.1", b"GET //a HTTP/1.1"),
    *(b"GET /a?b//../c HTTP/1.1", b"GET /a/..?x HTTP/1.1", b"GET /a/../../?x HTTP/1.1"),
    *(
        b"GET /a? HTTP/1.1",
        b"GET /a/..#x HTTP/1.1",
        b"GET /a/.%2e/%2e HTTP/1.1",
        b"GET /a%2f/b HTTP/1.1",
    ),
    *(
        b"GET /\r HTTP/1.1",
        b"GET / HTTP/1.1\r",
        b"G\0T / HTTP/1.1",
        b"\x16\x03\x01",
        b" GET / HTTP/1.1",
    ),
    *(
        b"\tGET / HTTP/1.1",
        b"\r\n\r\nGET / HTTP/1.1",
        b"\n\nGET / HTTP/1.1",
        b"\r\n GET / HTTP/1.1",
    ),
    *(
        b"\rGET / HTTP/1.1",
        b"GET /%u1 HTTP/1.1",
        b"GET /a/%2e HTTP/1.1",
        b"GET /a/b/../../../ HTTP/1.1",
    ),
]

_HEADER_LINES = [
    *(b"Foo\r\n", b"Foo \r\n", b": x\r\n", b"Foo: a\rb\r\n", b"Foo: a\r\r\n", b"Foo: a\0b\r\n"),
    *(b"Foo: \0\r\n", b"Foo\0: b\r\n", b"Foo: a\r\n b\r\n", b"Foo: a\r\n\tb\r\n", b"Fo@o: a\r\n"),
    *(
        b"Foo_bar: a\r\n",
        b"_foo: a\r\n",
        b"F\x80o: a\r\n",
        b"Foo: \x80\xff\x01\x7f\r\n",
        b"Foo:: a\r\n",
    ),
    *(
        b'"Foo": a\r\n',
        b"F!#$%&'*+.^`|~o: a\r\n",
        b"HTTP/1.1: a\r\n",
        b"Foo : a\r\n",
        b" Foo: a\r\n",
    ),
    *(b"\rFoo: b\r\n", b"Foo:  b  \r\n", b"Foo:\tb\t\r\n", b"Foo\r: b\r\n", b"Foo:\rb\r\n"),
    *(b"Foo: b \rc\r\n", b"Foo: a\nBar: b\n", b"Foo:\r\n", b"host: h\r\n", b"Foo: a\r\nFoo: b\r\n"),
    *(
        b"Content-Length: 5\r\nContent-Length: 5\r\n",
        b"Content_Length: 5\r\n",
        b"Content-Length\r\n",
    ),
    *(b"Content-Length : 5\r\n", b"Transfer-Encoding\r\n", b"Transfer_Encoding: chunked\r\n"),
    b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
    b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
    b"Transfer-Encoding: gzip\r\nContent-Length: 5\r\n",
    b"Transfer-Encoding: gzip\r\nContent-Length: x\r\n",
    b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
    b"Keep-Alive: 3\r\nProxy-Connection: x\r\nTE: trailers\r\nUpgrade: h2c\r\nExpect: x\r\n",
    b"Proxy-Authorization: x\r\nVia: y\r\nCookie: z\r\nCookie: y\r\n",
    *(
        b"Trailer: x\r\n",
        b"Connection: X-Hop\r\nX-Hop: 1\r\n",
        b"Connection: Cookie\r\nCookie: 1\r\n",
    ),
]
_HEADER_LINES += [
    b"Content-Length: " + v + b"\r\n"
    for v in [
        *(
            b"+5",
            b"-5",
            b"5,5",
            b"5, 5",
            b"0x5",
            b"",
            b"5a",
            b"5\t",
            b"5 5",
            b"9223372036854775808",
        ),
        b"99999999999999999999",
    ]
]
_HEADER_LINES += [
    b"Transfer-Encoding: " + v + b"\r\n"
    for v in [
        *(b"identity", b"gzip, chunked", b"chunked, chunked", b"chunked,", b"", b'"chunked"'),
        *(b"chunked;x", b"\tchunked", b"xchunked"),
    ]
]
_HEADER_LINES += [
    b"Connection: " + v + b"\r\n"
    for v in [
        *(b"close", b"Close", b"keep-alive", b"close, keep-alive", b"foo, close", b"foo", b""),
        *(b"closed", b"upgrade"),
    ]
]
_HEADER_LINES += [
    name + b": 1\r\n" + name.lower() + b": 2\r\n"
    for name in [
        *(b"User-Agent", b"Referer", b"If-Modified-Since", b"If-Unmodified-Since", b"If-Match"),
        *(b"If-None-Match", b"Content-Type", b"Range", b"If-Range", b"Expect", b"Accept-Encoding"),
        *(b"Accept", b"Via", b"Authorization", b"Date", b"Content-Range", b"Content-Encoding"),
        *(b"Idempotency-Key", b"X-Forwarded-For", b"X-Real-IP", b"Cache-Control", b"Link"),
    ]
]

_HOSTS = [
    *(
        b"a.",
        b"a..",
        b"a..b",
        b".a",
        b"A.B",
        b"a:80",
        b"a:",
        b"a:x",
        b"a:80:90",
        b"a/b",
        b"a\\b",
        b"a b",
    ),
    *(
        b"a,b",
        b"a@b",
        b"a_b",
        b"a?b",
        b"a#b",
        b"[::1]",
        b"[::1]:80",
        b"[::1",
        b"::1",
        b"[::g]",
        b"[::1]x",
    ),
    *(
        b"a\x01",
        b"a\x80",
        b"a%41",
        b"a%zz",
        b'a"b',
        b"a;b",
        b"a<b>",
        b"[]",
        b"-",
        b"a:99999",
        b"a:65535",
    ),
    *(
        b"a\tb",
        b"a.:80",
        b":80",
        b".",
        b"a'b!$&()*+=~",
        b"a{b",
        b"a|b",
        b"a^b",
        b"a`",
        b"a\x7f",
        b"a.b.:",
    ),
    *(
        b"[v1.a]",
        b"[::1].",
        b"a:0",
        b"a:-1",
        b"",
        b"[a_b~]",
        b"[a%b]",
        b"[a,b]",
        b"\ta",
        b"a:00080",
    ),
]

REQUESTS = [
    *(_request(line) for line in _LINES),
    *(_request(b"GET / HTTP/1.1", b"Host: " + host + b"\r\n") for host in _HOSTS),
    *(_get(lines) for lines in _HEADER_LINES),
    *(
        _request(b"GET / HTTP/1.0", HOST + lines)
        for lines in [
            *(b"", b"Connection: keep-alive\r\n", b"Connection: Keep-Alive, foo\r\n"),
            *(b"Connection: close, keep-alive\r\n", b"Transfer-Encoding: chunked\r\n"),
        ]
    ),
    _request(b"GET / HTTP/1.0", b""),
    _request(b"GET / HTTP/1.1", b""),
    _request(b"GET http://b/x HTTP/1.1", b""),
    _request(b"GET http://b/x HTTP/1.0", b""),
    _request(b"CONNECT a:80 HTTP/1.1", b""),
    _get(b"Content-Length: 0\r\n"),
    _get(b"Content-Length: 00005 \r\n", b"hello"),
    _get(b"Transfer-Encoding: Chunked \r\n", b"0\r\n\r\n"),
    _request(b"GET /" + b"a" * 8175 + b" HTTP/1.1"),
    _request(b"GET /" + b"a" * 8178 + b" HTTP/1.1"),
    _get(b"Foo: " + b"a" * 8185 + b"\r\n"),
    _get(b"Foo: " + b"a" * 8186 + b"\r\n"),
    _get(b"A: b\r\n" * 999),
    _get(b"A: b\r\n" * 1000),
]

CHUNKED = [
    *(b"0\r\n\r\n", b"5\r\nhello\r\n0\r\n\r\n", b"5\nhello\n0\n\n", b"5\r\nhello\n0\r\n\r\n"),
    *(b"5;x=y\r\nhello\r\n0;z\r\n\r\n", b"5 \r\nhello\r\n0\r\n\r\n", b" 5\r\nhello\r\n0\r\n\r\n"),
    *(b"5\t;x\r\nhello\r\n0\r\n\r\n", b"05\r\nhello\r\n00\r\n\r\n", b"0x5\r\nhello\r\n0\r\n\r\n"),
    *(b"+5\r\nhello\r\n0\r\n\r\n", b"A\r\nhellohello\r\n0\r\n\r\n", b"\r\n0\r\n\r\n"),
    *(b"5\r\nhelloX\r\n0\r\n\r\n", b"5\r\nhello0\r\n\r\n", b"0\r\nT: x\r\n\r\n", b"0\nT: x\n\n"),
    *(b"0\r\nT: x\n\r\n", b"0\r\nbad trailer\r\n\r\n", b"0\r\nT: \0\r\n\r\n", b"0 \r\n\r\n"),
    *(b"5;a\rb\r\nhello\r\n0\r\n\r\n", b"5\rX\nhello\r\n0\r\n\r\n", b"0\r\nT: x\rY\r\n\r\n"),
    *(b"7fffffffffffffff\r\nhello", b"8000000000000000\r\nhello", b"10000000000000000\r\nhello"),
    *(b"0" * 30 + b"5\r\nhello\r\n0\r\n\r\n", b"0\r\n\rX", b"5 x\r\nhello\r\n0\r\n\r\n"),
    *(b"5x\r\nhello\r\n0\r\n\r\n", b"5\r\r\nhello\r\n0\r\n\r\n", b"0\r\n x\r\n\r\n"),
    b"5;" + b"x" * 5000 + b"\r\nhello\r\n0\r\n\r\n",
    b"5;x\0\r\nhello\r\n0\r\n\r\n",
]

_LENGTH = b"Content-Length: 2\r\n"
RESPONSES = [
    *(
        _response(_LENGTH, line)
        for line in [
            *(b"HTTP/1.1 200 OK", b"HTTP/1.1 200", b"HTTP/1.1 200 ", b"HTTP/1.1  200 OK"),
            *(b"HTTP/1.1 200  OK", b"HTTP/1.1 200.1 OK", b"HTTP/1.1 200OK", b"HTTP/1.1 20 OK"),
            *(b"HTTP/1.1 2000 OK", b"HTTP/1.1 600 X", b"HTTP/1.1 999 X", b"HTTP/2.0 200 OK"),
            *(
                b"HTTP/1.1 299 Odd \xff\x01",
                b"HTTP/2 200 OK",
                b"HTTP/0.9 200 OK",
                b"HTTP/1.0 200 OK",
            ),
            *(b"HTTP/1.10 200 OK", b"HTTP/01.1 200 OK", b"HTTP/1.999 200 OK", b"HTTP/1.1\t200 OK"),
            *(b"http/1.1 200 OK", b"ICY 200 OK", b"hello", b"HTTP/1.1", b"HTTP/1.1 404 Nope"),
            *(b"HTTP/1.1 200 O\rK", b"HTTP/1.1 200 OK\r", b"HTTP/1.1 099 OK", b"HTTP/1.1 200 O\0K"),
        ]
    ),
    *(
        _response(_LENGTH + lines)
        for lines in [
            *(
                b"Foo\r\n",
                b"Foo \r\n",
                b"Foo : x\r\n",
                b" Foo: x\r\n",
                b": x\r\n",
                b"Foo: a\rb\r\n",
            ),
            *(b"Foo: a\0b\r\n", b"F\0: b\r\n", b"Foo: a\r\n b\r\n", b"Fo@o: a\r\n", b"F_o: a\r\n"),
            *(b"F\x80: a\r\n", b"Foo: \x80\x01\r\n", b"HTTP/1.1 200 OK\r\n", b"Foo/x: a\r\n"),
            *(b"Foo:\tbar\t\r\n", b"Foo: a\r\r\n", b"content-length: 2\r\n", b"Keep-Alive: x\r\n"),
            *(
                b"Transfer-Encoding: chunked\r\n",
                b"Connection: X-Hop\r\nX-Hop: 1\r\n",
                b"TE: x\r\n",
            ),
            *(b"Trailer: x\r\n", b"Upgrade: x\r\n", b"Proxy-Connection: x\r\n", b"X-Pad: x\r\n"),
            *(b"X-Accel-Buffering: no\r\n", b"Server: x\r\nDate: y\r\n"),
        ]
    ),
    *(
        _response(b"Content-Length: " + value + b"\r\n")
        for value in [
            b"+2",
            b"-2",
            b"2, 2",
            b"",
            b"2a",
            b"9223372036854775808",
            b"0x2",
            b" 2 ",
            b"02",
        ]
    ),
    *(
        _response(_LENGTH + name + b": a\r\n" + name.lower() + b": b\r\n")
        for name in [
            *(
                b"Server",
                b"Date",
                b"Content-Type",
                b"Last-Modified",
                b"ETag",
                b"Refresh",
                b"Expires",
            ),
            *(
                b"Set-Cookie",
                b"Cache-Control",
                b"Accept-Ranges",
                b"Vary",
                b"Link",
                b"Status",
                b"Via",
            ),
            *(b"Content-Encoding", b"WWW-Authenticate", b"X-Accel-Expires", b"X-Accel-Charset"),
            *(
                b"Proxy-Authenticate",
                b"Retry-After",
                b"X-Foo",
                b"Content-Range",
                b"Content-Disposition",
            ),
        ]
    ),
    *(
        _response(b"Transfer-Encoding: " + value + b"\r\n", body=b"2\r\nok\r\n0\r\n\r\n")
        for value in [b"chunked", b"Chunked", b"identity", b"gzip, chunked", b"", b"\tchunked"]
    ),
    _response(b"Transfer-Encoding: gzip\r\n" + _LENGTH),
    _response(b"Transfer-Encoding: chunked\r\n" + _LENGTH),
]

_WORDS = "a Connection line is read by its words, nginx looks for `close` anywhere in it"
_NAMED = "what a Connection line names belongs to the hop, nginx passes it on"
_HOP = "a hop-by-hop line that nginx passes on"
_BARE_CR = "a CR ends nothing but with its LF, nginx skips one here"
_NOT_HTTP = "what is no response is refused, nginx passes it on as the body of a 200"

# Where the crate differs from nginx on purpose: the message, and why. A case that agrees after all
# fails, so that this list stays true.
DELIBERATE = {
    _request(b"GET /"): "HTTP/0.9 is refused, nginx answers with a bare body",
    _request(b"POST /"): "HTTP/0.9 is refused, whatever the method",
    _request(b"\rGET / HTTP/1.1"): _BARE_CR,
    _get(b"Foo: a\r\r\n"): _BARE_CR,
    _get(b"Connection: closed\r\n"): _WORDS,
    _get(b"Connection: X-Hop\r\nX-Hop: 1\r\n"): _NAMED,
    _get(b"Trailer: x\r\n"): _HOP,
    _response(_LENGTH + b"Foo: a\r\r\n"): _BARE_CR,
    _response(_LENGTH + b"Connection: X-Hop\r\nX-Hop: 1\r\n"): _NAMED,
    _response(_LENGTH + b"TE: x\r\n"): _HOP,
    _response(_LENGTH + b"Trailer: x\r\n"): _HOP,
    _response(_LENGTH + b"Upgrade: x\r\n"): _HOP,
    _response(_LENGTH + b"Proxy-Connection: x\r\n"): _HOP,
    _response(_LENGTH, b"HTTP/1.1 099 OK"): "a status below 100 is none",
    _response(_LENGTH, b"HTTP/1.1 200 O\0K"): "a NUL is never passed on",
    b"5 x\r\nhello\r\n0\r\n\r\n": "an extension starts with `;`, nginx takes a blank for it",
    b"5;" + b"x" * 5000 + b"\r\nhello\r\n0\r\n\r\n": "extensions have a limit",
    b"5;x\0\r\nhello\r\n0\r\n\r\n": "no control characters in extensions",
}
DELIBERATE |= {
    _response(_LENGTH, line): _NOT_HTTP
    for line in [
        *(b"HTTP/1.1 200OK", b"HTTP/1.1 20 OK", b"HTTP/1.1 2000 OK", b"HTTP/2 200 OK"),
        *(b"HTTP/0.9 200 OK", b"HTTP/01.1 200 OK", b"HTTP/1.1\t200 OK", b"http/1.1 200 OK"),
        *(b"ICY 200 OK", b"hello", b"HTTP/1.1", b"HTTP/1.1 200 O\rK", b"HTTP/1.1 200 OK\r"),
    ]
}
