"""Requests that are allowed and seldom, and requests that are not: what servers differ in."""


def said(line: str, *headers: str, body: bytes = b"", host: str = "Host: o") -> bytes:
    lines = [line, *([host] if host else []), *headers]
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def post(*headers: str, body: bytes = b"", version: str = "1.1") -> bytes:
    return said(f"POST / HTTP/{version}", *headers, body=body)


def plain(*headers: str, host: str = "Host: o") -> bytes:
    return said("GET / HTTP/1.1", *headers, host=host)


CHUNKED = "Transfer-Encoding: chunked"

ALLOWED = {
    "a GET": plain(),
    "close": plain("Connection: Close"),
    "HTTP/1.0": said("GET / HTTP/1.0"),
    "HTTP/1.0 without a host": said("GET / HTTP/1.0", host=""),
    "HTTP/1.0, kept": said("GET / HTTP/1.0", "Connection: keep-alive"),
    "HEAD": said("HEAD / HTTP/1.1"),
    "HEAD, kept by 1.0": said("HEAD / HTTP/1.0", "Connection: keep-alive"),
    "OPTIONS": said("OPTIONS / HTTP/1.1"),
    "absolute": said("GET http://o/ HTTP/1.1"),
    "POST": post("Content-Length: 3", body=b"abc"),
    "POST of nothing": post(),
    "chunked": post(CHUNKED, body=b"3;a=b\r\nabc\r\n0\r\nX: y\r\n\r\n"),
    "continue": post("Content-Length: 3", "Expect: 100-continue", body=b"abc"),
    "continue with 1.0": post(
        "Content-Length: 3", "Expect: 100-continue", body=b"abc", version="1.0"
    ),
    "expects something": plain("Expect: tea"),
    "three at once": plain() * 3,
    "an empty line first": b"\r\n" + plain(),
    "upgrade": plain("Connection: Upgrade", "Upgrade: websocket"),
    "no value": plain("Foo:"),
    "bytes in a value": plain("Foo: \xe9"),
    "a long head": plain("A: " + "a" * 7000),
    "many headers": plain(*[f"X{i}: y" for i in range(90)]),
}
REFUSED = {
    "nonsense": b"BAD\r\n\r\n",
    "TLS": bytes.fromhex("16030100a5010000a10303"),
    "no host": plain(host=""),
    "two hosts": plain("Host: p"),
    "an empty host": plain(host="Host:"),
    "a small method": said("get / HTTP/1.1"),
    "a method of its own": said("FOO / HTTP/1.1"),
    "HTTP/2.0": said("GET / HTTP/2.0"),
    "no version": b"GET /\r\n\r\n",
    "a space in the target": said("GET /a b HTTP/1.1"),
    "two spaces": said("GET  / HTTP/1.1"),
    "no path": said("GET x HTTP/1.1"),
    "bytes in the target": said("GET /\xc3\xa9 HTTP/1.1"),
    "no colon": plain("Foo"),
    "a space before the colon": plain("Foo : x"),
    "no name": plain(": x"),
    "a folded line": plain("Foo: a", " b"),
    "NUL": plain("Foo: a\0b"),
    "a control character": plain("Foo: a\x01b"),
    "bare LF": b"GET / HTTP/1.1\nHost: o\n\n",
    "bare CR": plain("Foo: a\rb"),
    "CONNECT": said("CONNECT o:443 HTTP/1.1", host="Host: o:443"),
    "both lengths": post("Content-Length: 3", CHUNKED, body=b"0\r\n\r\n"),
    "a length twice": post("Content-Length: 3", "Content-Length: 3", body=b"abc"),
    "two lengths": post("Content-Length: 3", "Content-Length: 4", body=b"abcd"),
    "a list of lengths": post("Content-Length: 3, 3", body=b"abc"),
    "a length below 0": post("Content-Length: -3"),
    "a length with a sign": post("Content-Length: +3", body=b"abc"),
    "another coding": post("Transfer-Encoding: gzip"),
    "another coding first": post("Transfer-Encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "another coding last": post("Transfer-Encoding: chunked, gzip", body=b"0\r\n\r\n"),
    "chunked with 1.0": post(CHUNKED, body=b"0\r\n\r\n", version="1.0"),
    "a chunk without a size": post(CHUNKED, body=b"zz\r\nabc\r\n0\r\n\r\n"),
    "a chunk that goes on": post(CHUNKED, body=b"3\r\nabcd\r\n0\r\n\r\n"),
    "a line of 5,000 bytes": said("GET /" + "a" * 5000 + " HTTP/1.1"),
    "a line of 10,000 bytes": said("GET /" + "a" * 10000 + " HTTP/1.1"),
    "a head of 15,000 bytes": plain("A: " + "a" * 15000),
    "a head of 17,000 bytes": plain("A: " + "a" * 17000),
    "150 headers": plain(*[f"X{i}: y" for i in range(150)]),
}
