"""Exchanges whose point is what the origin answers."""

from likeness import Case
from relay_setup import ask, get, head, sized

from scripted import OK, Answer

CHUNKED = head("200 OK", "Transfer-Encoding: chunked", "Content-Type: text/x") + (
    b"5\r\nhello\r\n6;ext=1\r\n world\r\n0\r\nTrailer: x\r\n\r\n"
)
BIG = bytes(range(33, 127)) * 3000

ANSWERS = [
    Case("length", get(), [sized(b"hello", "X-Up: 1", "X-up: 2", "content-type: a/b")]),
    Case("chunked", get(), [CHUNKED]),
    Case("chunked-to-10", get(version="1.0", close=False), [CHUNKED]),
    Case(
        "chunked-to-10-keepalive",
        get("/", "Connection: keep-alive", version="1.0", close=False),
        [CHUNKED],
    ),
    Case("until-close", get(), [head("200 OK"), b"some", b" text", "fin"]),
    Case("until-close-keepalive", get(close=False) + get(), [head("200 OK"), b"text", "fin"]),
    Case("until-close-to-10", get(version="1.0", close=False), [head("200 OK"), b"text", "fin"]),
    Case("http10-answer", get(), [head("200 OK", "Content-Length: 2", version="1.0") + b"ok"]),
    Case("empty", get(), [sized(b"")]),
    Case("large", get(), [sized(BIG)]),
    Case(
        "large-chunked",
        get(),
        [head("200 OK", "Transfer-Encoding: chunked") + b"%x\r\n%b\r\n0\r\n\r\n" % (len(BIG), BIG)],
    ),
    Case("unbuffered", get("/unbuffered/"), [CHUNKED]),
    Case(
        "in-pieces",
        get(),
        [b"HTT", b"P/1.1 200 O", b"K\r\nContent-Le", b"ngth: 4\r\n\r", b"\nab", b"cd"],
    ),
    Case("204", get(), [head("204 No Content")]),
    Case("204-with-length", get(), [head("204 No Content", "Content-Length: 0")]),
    Case("304", get(), [head("304 Not Modified", 'ETag: "x"', "Content-Type: a/b")]),
    Case("304-with-length", get(), [head("304 Not Modified", "Content-Length: 55")]),
    Case("404", get(), [sized(b"no", status="404 Not Found")]),
    Case("500", get(), [sized(b"no", status="500 Oh Dear")]),
    Case("999", get(), [sized(b"no", status="999 What")]),
    Case("no-reason", get(), [sized(b"ok", status="200")]),
    Case("no-reason-blank", get(), [sized(b"ok", status="200 ")]),
    Case("103", get(), [head("103 Early Hints", "Link: </s>"), OK]),
    Case("redirect", get(), [sized(b"", "Location: http://127.0.0.1/x", status="302 Found")]),
    Case(
        "hop-by-hop",
        get(),
        [
            sized(
                b"ok",
                "Connection: close, X-Named",
                "Keep-Alive: timeout=5",
                "X-Named: 1",
                "Trailer: t",
                "Upgrade: u",
                "Proxy-Connection: x",
                "TE: x",
            )
        ],
    ),
    Case(
        "own-headers",
        get(),
        [
            sized(
                b"ok",
                "Server: theirs",
                "Date: theirs",
                "X-Pad: 1",
                "X-Accel-Expires: 1",
                "X-Accel-Limit-Rate: off",
                "Via: 1.1 x",
                "Set-Cookie: a=b",
                "Set-Cookie: c=d",
                "Cache-Control: no-cache",
                "Cache-Control: private",
                "Vary: a",
                "Last-Modified: Tue, 01 Jan 2030 00:00:00 GMT",
                'ETag: W/"e"',
                "Accept-Ranges: bytes",
            )
        ],
    ),
    Case(
        "duplicates",
        get(),
        [
            sized(
                b"ok",
                "Content-Type: a/b",
                "Content-Type: c/d",
                "Location: /x",
                "Location: /y",
                "ETag: a",
                "ETag: b",
            )
        ],
    ),
    Case("two-lengths", get(), [sized(b"ok", "Content-Length: 3")]),
    Case("bad-length", get(), [head("200 OK", "Content-Length: x")]),
    Case("length-and-chunked", get(), [sized(b"ok", "Transfer-Encoding: chunked")]),
    Case("gzip-encoding", get(), [head("200 OK", "Transfer-Encoding: gzip") + b"x", "fin"]),
    Case("bad-chunks", get(), [head("200 OK", "Transfer-Encoding: chunked") + b"zz\r\n", "fin"]),
    Case(
        "chunks-cut-off",
        get(),
        [head("200 OK", "Transfer-Encoding: chunked"), b"5\r\nhello\r\n", "fin"],
    ),
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
    Case(
        "read-timeout-body", get("/quick/"), [head("200 OK", "Content-Length: 10"), b"12", "hang"]
    ),
    Case("read-timeout-both", get("/quick-both/"), ["hang"]),
    Case(
        "read-timeout-post-both",
        ask("POST", "/quick-both/", "Content-Length: 1", body=b"x"),
        ["hang"],
    ),
    Case("early-answer", ask("POST", "/", "Content-Length: 3", body=b"abc"), [OK], early=True),
    Case(
        "closed-reused",
        get("/kept/1", close=False) + get("/kept/2"),
        answers={"/kept/2": Answer(("fin",))},
    ),
    Case(
        "closed-reused-post",
        get("/kept/1", close=False) + ask("POST", "/kept/2", "Content-Length: 1", body=b"x"),
        answers={"/kept/2": Answer(("fin",))},
    ),
    Case(
        "connection-close-kept",
        get("/kept/1", close=False) + get("/kept/2"),
        [sized(b"ok", "Connection: close")],
    ),
    Case("left-while-waiting", get(), ["hang"], leave=True),
]
