"""Requests made to be read in two ways, by the families under which such things are known.

`@` in a target is the case's number. What reaches the backend may be `/@/a`, the request that was
meant, and those after it that a case says it has; never `/@/x`, which stands where a body or a
header should, unless it says so.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

HOST = b"Host: h\r\n"
_HIDDEN = b"GET /@/x HTTP/1.1\r\nHost: h\r\n\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n"
_LENGTH = b"Content-Length: 5\r\n"
_LAST = b"0\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Case:
    """may: the last parts of the targets that may reach the backend, in this order."""

    name: str
    sent: bytes
    may: tuple[str, ...] = ("a",)

    def at(self, number: int) -> bytes:
        """The bytes for the case of this number."""
        return re.sub(rb"@(?=/)", b"c%dz" % number, self.sent)


def _post(lines: bytes, body: bytes = b"", line: bytes = b"POST /@/a HTTP/1.1") -> bytes:
    return line + b"\r\n" + HOST + lines + b"\r\n" + body


def _get(lines: bytes = b"", behind: bytes = b"", line: bytes = b"GET /@/a HTTP/1.1") -> bytes:
    return _post(lines, behind, line)


def _sized(lines: bytes, body: bytes) -> bytes:
    """A body whose length is right, whatever other lines say."""
    return _post(b"Content-Length: %d\r\n" % len(body.replace(b"@", b"c100z")) + lines, body)


def _named(family: str, cases: dict[str, bytes], may: tuple[str, ...] = ("a",)) -> Iterator[Case]:
    return (Case(f"{family}: {name}", sent, may) for name, sent in cases.items())


def _both() -> Iterator[Case]:
    """Content-Length beside Transfer-Encoding, either of which may count."""
    yield from _named(
        "cl.te",
        {
            "length first": _post(b"Content-Length: 48\r\n" + _CHUNKED, _LAST + _HIDDEN),
            "chunks first": _post(_CHUNKED + b"Content-Length: 48\r\n", _LAST + _HIDDEN),
            "a short length": _post(b"Content-Length: 4\r\n" + _CHUNKED, b"5c\r\n" + _HIDDEN),
            "te.cl": _post(_CHUNKED + b"Content-Length: 3\r\n", b"1f\r\n" + _HIDDEN + _LAST),
            "a length of 0": _post(b"Content-Length: 0\r\n" + _CHUNKED, _LAST + _HIDDEN),
            "a bad length": _post(b"Content-Length: x\r\n" + _CHUNKED, _LAST + _HIDDEN),
            "get": _get(b"Content-Length: 48\r\n" + _CHUNKED, _LAST + _HIDDEN),
            "in http/1.0": _post(_LENGTH + _CHUNKED, _LAST + _HIDDEN, line=b"POST /@/a HTTP/1.0"),
            "chunks in http/1.0": _post(_CHUNKED, _LAST + _HIDDEN, line=b"POST /@/a HTTP/1.0"),
            "kept chunks in http/1.0": _post(
                b"Connection: keep-alive\r\n" + _CHUNKED,
                _LAST + _HIDDEN,
                line=b"POST /@/a HTTP/1.0",
            ),
            "encoding named by connection": _post(
                b"Connection: Transfer-Encoding\r\n" + _CHUNKED, b"5\r\nhello\r\n" + _LAST
            ),
            "length named by connection": _post(
                b"Connection: Content-Length\r\n" + _LENGTH, b"hello"
            ),
        },
    )


_ENCODINGS = {
    "xchunked": b"Transfer-Encoding: xchunked",
    "tab": b"Transfer-Encoding:\tchunked",
    "tab behind": b"Transfer-Encoding: chunked\t",
    "vertical tab": b"Transfer-Encoding: \x0bchunked",
    "form feed": b"Transfer-Encoding: \x0cchunked",
    "form feed behind": b"Transfer-Encoding: chunked\x0c",
    "nul behind": b"Transfer-Encoding: chunked\0",
    "nul within": b"Transfer-Encoding: chu\0nked",
    "no-break space": b"Transfer-Encoding: \xa0chunked",
    "parameter": b"Transfer-Encoding: chunked;q=1",
    "quoted": b'Transfer-Encoding: "chunked"',
    "single quotes": b"Transfer-Encoding: 'chunked'",
    "identity, chunked": b"Transfer-Encoding: identity, chunked",
    "chunked, identity": b"Transfer-Encoding: chunked, identity",
    "gzip, chunked": b"Transfer-Encoding: gzip, chunked",
    "chunked, chunked": b"Transfer-Encoding: chunked, chunked",
    "comma before": b"Transfer-Encoding: ,chunked",
    "comma behind": b"Transfer-Encoding: chunked,",
    "empty": b"Transfer-Encoding:",
    "no colon": b"Transfer-Encoding",
    "identity": b"Transfer-Encoding: identity",
    "twice": b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked",
    "cow behind": b"Transfer-Encoding: chunked\r\nTransfer-encoding: cow",
    "cow before": b"Transfer-Encoding: cow\r\nTransfer-Encoding: chunked",
    "identity before": b"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked",
    "two colons": b"Transfer-Encoding:: chunked",
    "space before colon": b"Transfer-Encoding : chunked",
    "tab before colon": b"Transfer-Encoding\t: chunked",
    "nul before colon": b"Transfer-Encoding\0: chunked",
    "cr before colon": b"Transfer-Encoding\r: chunked",
    "folded": b"Transfer-Encoding:\r\n chunked",
    "folded by tab": b"Transfer-Encoding:\r\n\tchunked",
    "folded with lf": b"Transfer-Encoding:\n chunked",
    "fold of another": b"X: y\r\n Transfer-Encoding: chunked",
    "space before": b" Transfer-Encoding: chunked",
    "behind a cr": b"X: y\rTransfer-Encoding: chunked",
    "cr, then it": b"X: y\r\n\rTransfer-Encoding: chunked",
    "cr within": b"Transfer-Encoding: chunked\r\r",
    "equals": b"Transfer-Encoding= chunked",
    "a blank for the colon": b"Transfer-Encoding chunked",
    "underscore": b"Transfer_Encoding: chunked",
    "dot": b"Transfer.Encoding: chunked",
    "byte order mark": b"\xef\xbb\xbfTransfer-Encoding: chunked",
    "slash": b"Transfer-Encoding/: chunked",
    "kelvin": b"Transfer-Encoding: chun\xe2\x84\xaaed",
    "del in name": b"Transfer-Encoding\x7f: chunked",
    "high bit in name": b"\xd4ransfer-Encoding: chunked",
    "bracket": b"(Transfer-Encoding: chunked",
    "te": b"TE: chunked",
    "content-encoding": b"Content-Encoding: chunked",
}


def _encodings() -> Iterator[Case]:
    """Lines that some take for `Transfer-Encoding: chunked`, beside a length that is right."""
    for name, lines in _ENCODINGS.items():
        yield Case(f"te.te: {name}", _sized(lines + b"\r\n", _LAST + _HIDDEN.strip()))
    yield Case("te: letters of both cases", _post(b"tRANSFER-eNCODING: cHUNKED\r\n", _LAST))
    yield Case("te: behind lf", _post(b"X: y\nTransfer-Encoding: chunked\r\n", _LAST))
    yield Case("te: gzip alone", _post(b"Transfer-Encoding: gzip\r\n", _HIDDEN))


_LENGTHS = {
    **{v: v.encode() for v in ("+5", "-5", "5,5", "5, 5", "5 5", "0x5", "5.0", "5e0", "5;", "o5")},
    **{v: v.encode() for v in ("-0", "5_0", "0b101", "1_", "'5'", '"5"', "5,", ",5", "five")},
    "empty": b"",
    "tab before": b"\t5",
    "tab behind": b"5\t",
    "vertical tab": b"\x0b5",
    "nul": b"5\0",
    "arabic": b"\xd9\xa5",
    "2^63": b"9223372036854775808",
    "2^64 + 5": b"18446744073709551621",
    "2^32 + 5": b"4294967301",
    "forty digits": b"9" * 40,
    "folded": b"\r\n 5",
    "fold behind": b"5\r\n 6",
    "a cr": b"5\r",
    "a cr within": b"5\r6",
}


def _lengths() -> Iterator[Case]:
    for name, value in _LENGTHS.items():
        lines = b"Content-Length: " + value + b"\r\n"
        yield Case(f"length: {name}", _post(lines, b"hello" + _HIDDEN))
    yield from _named(
        "length",
        {
            "twice": _post(_LENGTH * 2, b"hello"),
            "two of them": _post(_LENGTH + b"Content-Length: 0\r\n", b"hello" + _HIDDEN),
            "in two cases": _post(_LENGTH + b"content-length: 0\r\n", b"hello" + _HIDDEN),
            "space before colon": _post(b"Content-Length : 31\r\n", _HIDDEN),
            "space before it": _post(b" Content-Length: 31\r\n", _HIDDEN),
            "nul in the name": _post(b"Content-Length\0: 31\r\n", _HIDDEN),
            "a blank in the name": _post(b"Content Length: 31\r\n", _HIDDEN),
            "no colon": _post(b"Content-Length 31\r\n", _HIDDEN),
            "behind a cr": _post(b"X: y\rContent-Length: 31\r\n", _HIDDEN),
            "no value": _post(b"Content-Length\r\n", _HIDDEN),
            "more than comes": _post(b"Content-Length: 500\r\n", b"hello"),
        },
    )
    underscored = _post(b"Content_Length: 31\r\n", _HIDDEN)
    yield Case("length: underscore", underscored, ("a", "x"))
    yield Case("length: none", _post(b"", _HIDDEN), ("a", "x"))
    yield Case("length: 0", _post(b"Content-Length: 0\r\n", _HIDDEN), ("a", "x"))
    yield Case(
        "length: zeros before", _post(b"Content-Length: 0005\r\n", b"hello" + _HIDDEN), ("a", "x")
    )
    yield Case("length: of a get", _get(_LENGTH, b"hello" + _HIDDEN), ("a", "x"))
    yield Case("length: behind lf", _post(b"X: y\nContent-Length: 5\r\n", b"hello"))
    for method in (b"HEAD", b"DELETE", b"OPTIONS", b"FROB"):
        line = method + b" /@/a HTTP/1.1"
        hidden = _post(_LENGTH, b"hello" + _HIDDEN, line)
        yield Case(f"length: of a {method.decode()}", hidden, ("a", "x"))


_BAD_CHUNKS = {
    "0x": b"0x5\r\nhello\r\n0\r\n\r\n",
    "plus": b"+5\r\nhello\r\n0\r\n\r\n",
    "minus": b"-5\r\nhello\r\n0\r\n\r\n",
    "blank before": b" 5\r\nhello\r\n0\r\n\r\n",
    "underscore": b"5_\r\nhello\r\n0\r\n\r\n",
    "no size": b"\r\nhello\r\n0\r\n\r\n",
    "no digits": b";a=b\r\nhello\r\n0\r\n\r\n",
    "two sizes": b"5 0\r\nhello\r\n0\r\n\r\n",
    "letters": b"5x\r\nhello\r\n0\r\n\r\n",
    "nul": b"5\0\r\nhello\r\n0\r\n\r\n",
    "vertical tab": b"5\x0b\r\nhello\r\n0\r\n\r\n",
    "lf": b"5\nhello\n0\n\n",
    "lf behind the size": b"5\nhello\r\n0\r\n\r\n",
    "lf behind the data": b"5\r\nhello\n0\r\n\r\n",
    "cr behind the size": b"5\rhello\r\n0\r\n\r\n",
    "two crs": b"5\r\r\nhello\r\n0\r\n\r\n",
    "longer data": b"5\r\nhelloXX\r\n0\r\n\r\n",
    "no end of data": b"5\r\nhello0\r\n\r\n",
    "two bytes for the end": b"5\r\nhelloXX0\r\n\r\n",
    "shorter data": b"8\r\nhello\r\n0\r\n\r\n",
    "2^64 + 5": b"10000000000000005\r\nhello\r\n0\r\n\r\n",
    "2^32 + 5 in zeros": b"000000100000005\r\nhello\r\n0\r\n\r\n",
    "all ones": b"ffffffffffffffff\r\nhello\r\n0\r\n\r\n",
    "top bit": b"8000000000000005\r\nhello\r\n0\r\n\r\n",
    "lf in the extension": b"5;a\nb\r\nhello\r\n0\r\n\r\n",
    "cr in the extension": b"5;a\rb\r\nhello\r\n0\r\n\r\n",
    "lf ends the extension": b"5;\nhello\r\n0\r\n\r\n",
    "nul in the extension": b"5;a=\0\r\nhello\r\n0\r\n\r\n",
    "quoted line end": b'5;a="\r\n0\r\n\r\n' + _HIDDEN + b'"\r\nhello\r\n0\r\n\r\n',
    "a very long extension": b"5;" + b"a" * 9000 + b"\r\nhello\r\n0\r\n\r\n",
    "zeros for ever": b"0" * 9000 + b"5\r\nhello\r\n0\r\n\r\n",
    "lf ends the body": b"5\r\nhello\r\n0\r\n\n",
    "lf behind the last": b"5\r\nhello\r\n0\n\r\n",
    "cr ends the body": b"5\r\nhello\r\n0\r\n\rX",
    "trailer with lf": b"0\r\nT: x\n\r\n",
    "trailer with cr": b"0\r\nT: x\ry\r\n\r\n",
    "trailer, then lf": b"0\r\nT: x\r\n\n",
}
_GOOD_CHUNKS = {
    "plain": b"5\r\nhello\r\n0\r\n\r\n",
    "capitals": b"A\r\nhellohello\r\n0\r\n\r\n",
    "zeros": b"005\r\nhello\r\n000\r\n\r\n",
    "extension": b"5;a=b\r\nhello\r\n0;c\r\n\r\n",
    "quoted extension": b'5;a="b;c"\r\nhello\r\n0\r\n\r\n',
    "blank behind": b"5 \r\nhello\r\n0\r\n\r\n",
    "trailer": b"5\r\nhello\r\n0\r\nT: x\r\n\r\n",
    "trailing length": b"5\r\nhello\r\n0\r\nContent-Length: 50\r\n\r\n",
    "trailing encoding": b"5\r\nhello\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n",
    "trailing host": b"5\r\nhello\r\n0\r\nHost: evil\r\nAuthorization: x\r\n\r\n",
    "a request as data": b"1f\r\n" + _HIDDEN.replace(b"/@/x", b"/aa/x") + b"\r\n0\r\n\r\n",
    "a line end as data": b"2\r\n\r\n\r\n0\r\n\r\n",
}


def _chunks() -> Iterator[Case]:
    for name, body in _BAD_CHUNKS.items():
        yield Case(f"chunks: {name}", _post(_CHUNKED, body + _HIDDEN))
    for name, body in _GOOD_CHUNKS.items():
        yield Case(f"chunks: {name}", _post(_CHUNKED, body + _HIDDEN), ("a", "x"))
    request_as_trailer = b"0\r\nGET /@/x HTTP/1.1\r\nHost: h\r\n\r\n"
    yield Case("chunks: a request as trailer", _post(_CHUNKED, request_as_trailer))
    yield Case("chunks: of a get", _get(_CHUNKED, b"5\r\nhello\r\n" + _LAST + _HIDDEN), ("a", "x"))
    yield Case("chunks: none come", _post(_CHUNKED))
    yield Case("chunks: they stop", _post(_CHUNKED, b"5\r\nhe"))
    yield Case("chunks: the last is missing", _post(_CHUNKED, b"5\r\nhello\r\n"))


def _line_ends() -> Iterator[Case]:
    crlf = b"GET /@/a HTTP/1.1\r\nHost: h\r\n"
    yield from _named(
        "lines",
        {
            "cr alone": b"GET /@/a HTTP/1.1\rHost: h\r\r",
            "cr behind the line": b"GET /@/a HTTP/1.1\rHost: h\r\n\r\n",
            "cr in a value": crlf + b"X: y\rGET /@/x HTTP/1.1\r\n\r\n",
            "cr before crlf": crlf + b"X: y\r\r\n\r\n",
            "two crs, then a request": crlf
            + b"X: y\r\n\r\r\nGET /@/x HTTP/1.1\r\n"
            + HOST
            + b"\r\n",
            "cr begins a line": crlf + b"\rX: y\r\n\r\n",
            "cr cr lf at the end": crlf + b"\r\r\n" + _HIDDEN,
            "nul in a value": crlf + b"X: a\0b\r\n\r\n",
            "nul in a name": crlf + b"X\0: b\r\n\r\n",
            "folded": crlf + b"X: a\r\n b\r\n\r\n",
            "folded first": b"GET /@/a HTTP/1.1\r\n Host: h\r\n\r\n",
            "folded host": b"GET /@/a HTTP/1.1\r\nHost: h\r\n evil\r\n\r\n",
            "no name": crlf + b": x\r\n\r\n",
            "no colon": crlf + b"GET /@/x HTTP/1.1\r\n\r\n",
            "space before colon": crlf + b"X : y\r\n\r\n",
            "control in a name": crlf + b"X\x01: y\r\n\r\n",
            "escape in a name": crlf + b"\x1bX: y\r\n\r\n",
            "next line": crlf + b"X: y\xc2\x85Z: y\r\n\r\n",
            "line separator": crlf + b"X: y\xe2\x80\xa8Z: y\r\n\r\n",
            "cr first": b"\rGET /@/a HTTP/1.1\r\nHost: h\r\n\r\n",
            "nul first": b"\0" + crlf + b"\r\n",
            "blank line first": b"\r\n\n" + crlf + b"\r\n",
            "control in a value": crlf + b"X: a\x01\x1b\x7fb\r\n\r\n",
        },
    )
    alone = b"GET /@/a HTTP/1.1\nHost: h\n\n"
    yield Case("lines: lf alone", alone + _HIDDEN, ("a", "x"))
    yield Case("lines: lf, then crlf", b"GET /@/a HTTP/1.1\nHost: h\r\n\n" + _HIDDEN, ("a", "x"))
    yield Case("lines: lf in a value", crlf + b"X: y\nZ: y\r\n\r\n" + _HIDDEN, ("a", "x"))
    yield Case("lines: a header less colon", crlf + b"X\r\n\r\n" + _HIDDEN, ("a", "x"))
    yield Case("lines: odd name", crlf + b"X@y: z\r\n\r\n" + _HIDDEN, ("a", "x"))


_LINES = {
    "tab": b"GET\t/@/a\tHTTP/1.1",
    "tab before version": b"GET /@/a\tHTTP/1.1",
    "vertical tab": b"GET /@/a\x0bHTTP/1.1",
    "no-break space": b"GET /@/a\xa0HTTP/1.1",
    "blank before": b" GET /@/a HTTP/1.1",
    "two versions": b"GET /@/a HTTP/1.1 HTTP/1.1",
    "two targets": b"GET /@/a /@/x HTTP/1.1",
    "blank in the target": b"GET /@/a b HTTP/1.1",
    "cr in the target": b"GET /@/a\r HTTP/1.1",
    "nul in the target": b"GET /@/a\0 HTTP/1.1",
    "control in the target": b"GET /@/a\x01 HTTP/1.1",
    "del in the target": b"GET /@/a\x7f HTTP/1.1",
    "no slash": b"GET @/a HTTP/1.1",
    "star": b"GET * HTTP/1.1",
    "question mark": b"GET ?@/a HTTP/1.1",
    "no target": b"GET HTTP/1.1",
    "no target, two blanks": b"GET  HTTP/1.1",
    "small method": b"get /@/a HTTP/1.1",
    "nul in the method": b"G\0T /@/a HTTP/1.1",
    "bracket in the method": b"GE(T /@/a HTTP/1.1",
    "colon behind the method": b"GET: /@/a HTTP/1.1",
    "no method": b"/@/a HTTP/1.1",
    "2.0": b"GET /@/a HTTP/2.0",
    "3": b"GET /@/a HTTP/3",
    "no minor": b"GET /@/a HTTP/1.",
    "comma": b"GET /@/a HTTP/1,1",
    "blank in the version": b"GET /@/a HTTP /1.1",
    "small version": b"GET /@/a http/1.1",
    "more behind": b"GET /@/a HTTP/1.1x",
    "nul behind": b"GET /@/a HTTP/1.1\0",
    "zero before": b"GET /@/a HTTP/01.1",
    "plus": b"GET /@/a HTTP/+1.1",
    "0.9 said": b"GET /@/a HTTP/0.9",
    "other name": b"GET /@/a HTTPS/1.1",
    "rtsp": b"GET /@/a RTSP/1.1",
    "0.9": b"GET /@/a",
    "0.9 of a post": b"POST /@/a",
    "escaped nul": b"GET /@/a%00 HTTP/1.1",
    "half an escape": b"GET /@/a%2 HTTP/1.1",
    "above the root": b"GET /../@/a HTTP/1.1",
    "connect": b"CONNECT h:80 HTTP/1.1",
    "connect to a path": b"CONNECT /@/a HTTP/1.1",
    "trace": b"TRACE /@/a HTTP/1.1",
    "http/2": b"PRI * HTTP/2.0",
    "user": b"GET http://u@h/@/a HTTP/1.1",
    "backslash in the host": b"GET http://h\\x/@/a HTTP/1.1",
    "no host": b"GET http:///@/a HTTP/1.1",
    "one slash": b"GET http:/h/@/a HTTP/1.1",
    "port beyond": b"GET http://h:99999/@/a HTTP/1.1",
    "fragment for a path": b"GET http://h#/@/a HTTP/1.1",
    "blank in the host": b"GET http://h x/@/a HTTP/1.1",
}
_GOOD_LINES = {
    "two blanks": b"GET  /@/a HTTP/1.1",
    "blank behind": b"GET /@/a HTTP/1.1 ",
    "1.2": b"GET /@/a HTTP/1.2",
    "1.10": b"GET /@/a HTTP/1.10",
    "1.01": b"GET /@/a HTTP/1.01",
    "absolute": b"GET http://h/@/a HTTP/1.1",
    "absolute with a port": b"GET http://h:80/@/a HTTP/1.1",
    "odd scheme": b"GET ftp://h/@/a HTTP/1.1",
    "contradicts host": b"GET http://other/@/a HTTP/1.1",
    "two slashes": b"GET //@/a HTTP/1.1",
    "escaped line end": b"GET /@/a%0d%0aX:%20y HTTP/1.1",
    "high bytes": b"GET /@/a\x80\xff HTTP/1.1",
    "fragment": b"GET /@/a#/@/x HTTP/1.1",
}


def _request_lines() -> Iterator[Case]:
    for name, line in _LINES.items():
        yield Case(f"line: {name}", line + b"\r\n" + HOST + b"\r\n" + _HIDDEN)
    for name, line in _GOOD_LINES.items():
        yield Case(f"line: {name}", line + b"\r\n" + HOST + b"\r\n" + _HIDDEN, ("a", "x"))


def _hosts() -> Iterator[Case]:
    for name, lines in {
        "two": HOST * 2,
        "two that differ": HOST + b"Host: evil\r\n",
        "two names of it": HOST + b"hOST: evil\r\n",
        "none": b"X: y\r\n",
        "path": b"Host: h/evil\r\n",
        "user": b"Host: evil@h\r\n",
        "list": b"Host: h, evil\r\n",
        "blank": b"Host: h evil\r\n",
        "tab": b"Host: h\tevil\r\n",
        "nul": b"Host: h\0\r\n",
        "control": b"Host: h\x01\r\n",
        "empty": b"Host:\r\n",
        "two ports": b"Host: h:80:80\r\n",
        "letters for a port": b"Host: h:evil\r\n",
        "space before colon": b"Host : h\r\n",
        "space before it": b" Host: h\r\n",
        "folded": b"Host:\r\n h\r\n",
        "cr": b"Host: h\revil\r\n",
        "query": b"Host: h?x\r\n",
        "fragment": b"Host: h#x\r\n",
        "bracket": b"Host: [::1\r\n",
        "two dots": b"Host: h..x\r\n",
    }.items():
        yield Case(f"host: {name}", b"GET /@/a HTTP/1.1\r\n" + lines + b"\r\n")
    old = b"GET /@/a HTTP/1.0\r\n\r\n"
    yield Case("host: none in http/1.0", old + _HIDDEN)
    yield Case("host: none, absolute", b"GET http://h/@/a HTTP/1.1\r\n\r\n")


def _rows() -> Iterator[Case]:
    """Several requests on one connection, and what ends it."""
    two, three = ("a", "x"), ("a", "b", "x")
    second = b"GET /@/b HTTP/1.1\r\nHost: h\r\n\r\n"
    for name, sent, may in (
        ("three", _get(behind=second + _HIDDEN), three),
        (
            "post between",
            _get(behind=_post(_LENGTH, b"hello", b"POST /@/b HTTP/1.1") + _HIDDEN),
            three,
        ),
        ("chunks between", _post(_CHUNKED, b"1\r\na\r\n" + _LAST + second + _HIDDEN), three),
        ("closed", _get(b"Connection: close\r\n", _HIDDEN), ("a",)),
        ("closed in a list", _get(b"Connection: x, close\r\n", _HIDDEN), ("a",)),
        (
            "closed and kept",
            _get(b"Connection: keep-alive\r\nConnection: close\r\n", _HIDDEN),
            ("a",),
        ),
        ("http/1.0", b"GET /@/a HTTP/1.0\r\nHost: h\r\n\r\n" + _HIDDEN, ("a",)),
        (
            "http/1.0 kept",
            b"GET /@/a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n" + _HIDDEN,
            two,
        ),
        ("refused first", b"GET /@/a HTTP/1.1\r\nHost: h\r\nHost: h\r\n\r\n" + _HIDDEN, ()),
        ("refused second", _get(behind=b"GET x HTTP/1.1\r\n\r\n" + _HIDDEN), ("a",)),
        ("empty lines between", _get(behind=b"\r\n\n\r\n" + _HIDDEN), two),
        ("dirt between", _get(behind=b"dirt\r\n\r\n" + _HIDDEN), ("a",)),
        ("nul between", _get(behind=b"\0" + _HIDDEN), ("a",)),
        ("expect", _post(b"Expect: 100-continue\r\n" + _LENGTH, b"hello" + _HIDDEN), two),
        ("expect, no body", _get(b"Expect: 100-continue\r\n", _HIDDEN), two),
        ("expect, chunks", _post(b"Expect: 100-continue\r\n" + _CHUNKED, _LAST + _HIDDEN), two),
        ("expect, never sent", _post(b"Expect: 100-continue\r\n" + _LENGTH), ("a",)),
        (
            "expect in http/1.0",
            _post(b"Expect: 100-continue\r\n" + _LENGTH, b"hello", b"POST /@/a HTTP/1.0"),
            ("a",),
        ),
        ("expect twice", _post(b"Expect: 100-continue\r\n" * 2 + _LENGTH, b"hello"), ("a",)),
        ("expect something else", _post(b"Expect: x\r\n" + _LENGTH, b"hello" + _HIDDEN), two),
        ("websocket", _get(b"Connection: Upgrade\r\nUpgrade: websocket\r\n", _HIDDEN), two),
        (
            "h2c",
            _get(
                b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\n",
                _HIDDEN,
            ),
            two,
        ),
        (
            "upgrade of a post",
            _post(b"Connection: Upgrade\r\nUpgrade: x\r\n" + _LENGTH, b"hello" + _HIDDEN),
            two,
        ),
        # Nobody asked for these bodies: they are not the next request.
        (
            "a body for a redirect",
            _sized(b"", _HIDDEN).replace(b" /@/a", b" /moved/@/a")
            + _get(line=b"GET /@/b HTTP/1.1"),
            ("b",),
        ),
        (
            "chunks for a redirect",
            _post(_CHUNKED, b"5\r\nhello\r\n" + _LAST + _HIDDEN, b"POST /moved/@/a HTTP/1.1"),
            ("x",),
        ),
        (
            "bad chunks for a redirect",
            _post(_CHUNKED, b"5\r\nhelloX" + _HIDDEN, b"POST /moved/@/a HTTP/1.1"),
            (),
        ),
        (
            "a body too few for a redirect",
            _post(b"Content-Length: 500\r\n", _HIDDEN, b"POST /moved/@/a HTTP/1.1"),
            (),
        ),
        ("host named by connection", _get(b"Connection: Host\r\n", _HIDDEN), two),
        ("max-forwards", _get(b"Max-Forwards: 0\r\n", _HIDDEN, b"OPTIONS /@/a HTTP/1.1"), two),
        ("head", _get(behind=_HIDDEN, line=b"HEAD /@/a HTTP/1.1"), two),
    ):
        yield Case(f"row: {name}", sent, may)


def _written() -> Iterator[Case]:
    """Targets that a configuration writes elsewhere once they are decoded."""
    inner = b"%0d%0a%0d%0aGET%20/@/x%20HTTP/1.1%0d%0aHost:%20h%0d%0a%0d%0a"
    for folder in (b"anew", b"line", b"moved", b"added"):
        for name, path in (
            ("line ends", inner),
            ("lf", b"%0aX:%20y"),
            ("cr", b"%0dX"),
            ("blank", b"%20b"),
        ):
            line = b"GET /" + folder + b"/@/a" + path + b" HTTP/1.1"
            yield Case(f"written: {folder.decode()}, {name}", _get(line=line))


def _flowing() -> Iterator[Case]:
    """Bodies once more, where they are passed on as they come."""
    for family in (_both, _encodings, _lengths, _chunks):
        for case in family():
            yield Case(f"flow, {case.name}", case.sent.replace(b" /@/a", b" /flow/@/a"), case.may)


CASES = [
    case
    for family in (
        _both,
        _encodings,
        _lengths,
        _chunks,
        _line_ends,
        _request_lines,
        _hosts,
        _rows,
        _written,
        _flowing,
    )
    for case in family()
]
