"""Answers of a backend made to be read in two ways.

What should be a body, or nothing, is an answer of its own.
"""

from dataclasses import dataclass

_OK = b"HTTP/1.1 200 OK\r\n"
_TWO = b"Content-Length: 2\r\n"
_CHUNKED = b"Transfer-Encoding: chunked\r\n"
POISON = b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nPOISON"


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent for a first request, `/cNz/a`; `/cNz/b` comes behind it.

    closes: the connection is closed behind the answer.
    """

    name: str
    sent: bytes
    closes: bool = False
    method: bytes = b"GET"


def _answer(lines: bytes = b"", body: bytes = b"", line: bytes = _OK) -> bytes:
    return line + lines + b"\r\n" + body


_LENGTHS = (
    *(b"+2", b"-2", b"2,2", b"2, 2", b"0x2", b"2.0", b"", b"2 2", b"\t2", b"2\t", b"2;", b"two"),
    *(b"9223372036854775808", b"18446744073709551618"),
)
_ENCODINGS = (
    *(
        b"identity",
        b"gzip, chunked",
        b"chunked, chunked",
        b"chunked,",
        b"",
        b"\tchunked",
        b"xchunked",
    ),
    *(b'"chunked"', b"chunked;q=1", b"\x0bchunked", b"chunked\0"),
)
_HEADER_LINES = {
    "space before colon": b"X : y\r\n",
    "folded": b"X: y\r\n z\r\n",
    "folded first": b" X: y\r\n",
    "cr in a value": b"X: y\rz\r\n",
    "cr before crlf": b"X: y\r\r\n",
    "nul in a value": b"X: y\0z\r\n",
    "nul in a name": b"X\0: y\r\n",
    "control in a name": b"X\x01: y\r\n",
    "control in a value": b"X: y\x01\x1b\r\n",
    "no name": b": y\r\n",
    "no colon": b"X y\r\n",
    "name alone": b"X\r\n",
    "odd name": b"X@y: z\r\n",
    "high bytes": b"X: \x80\xff\r\n",
    "connection named length": b"Connection: Content-Length\r\n",
    "trailer announced": b"Trailer: Content-Length\r\n",
    "status line again": _OK,
    "upgrade": b"Connection: upgrade\r\nUpgrade: h2c\r\n",
}
_STATUS_LINES = {
    "none": b"",
    "text": b"hello\r\n",
    "http/2": b"HTTP/2 200 OK\r\n",
    "http/0.9": b"HTTP/0.9 200 OK\r\n",
    "small": b"http/1.1 200 OK\r\n",
    "two digits": b"HTTP/1.1 20 OK\r\n",
    "four digits": b"HTTP/1.1 2000 OK\r\n",
    "no status": b"HTTP/1.1\r\n",
    "tab": b"HTTP/1.1\t200 OK\r\n",
    "cr in the reason": b"HTTP/1.1 200 O\rK\r\n",
    "nul in the reason": b"HTTP/1.1 200 O\0K\r\n",
    "cr behind": b"HTTP/1.1 200 OK\r\r\n",
    "no reason": b"HTTP/1.1 200\r\n",
    "99": b"HTTP/1.1 099 OK\r\n",
    "999": b"HTTP/1.1 999 OK\r\n",
}
_CHUNKS = {
    "plain": b"2\r\nok\r\n0\r\n\r\n",
    "trailer": b"2\r\nok\r\n0\r\nContent-Length: 99\r\nX: y\r\n\r\n",
    "extension": b"2;a=b\r\nok\r\n0;c\r\n\r\n",
    "plus": b"+2\r\nok\r\n0\r\n\r\n",
    "0x": b"0x2\r\nok\r\n0\r\n\r\n",
    "minus": b"-2\r\nok\r\n0\r\n\r\n",
    "no size": b"\r\nok\r\n0\r\n\r\n",
    "lf": b"2\nok\n0\n\n",
    "lf in the extension": b"2;a\nb\r\nok\r\n0\r\n\r\n",
    "longer data": b"2\r\nokX\r\n0\r\n\r\n",
    "no end of data": b"2\r\nok0\r\n\r\n",
    "2^64 + 2": b"10000000000000002\r\nok\r\n0\r\n\r\n",
    "top bit": b"8000000000000002\r\nok\r\n0\r\n\r\n",
    "nothing": b"",
    "the last is missing": b"2\r\nok\r\n",
    "a part": b"5\r\nok",
}

ANSWERS = [
    Answer("both", _answer(_TWO + _CHUNKED, b"0\r\n\r\n" + POISON)),
    Answer("both, chunks first", _answer(_CHUNKED + _TWO, b"0\r\n\r\n" + POISON)),
    Answer("two lengths", _answer(_TWO + b"Content-Length: 0\r\n", b"ok" + POISON)),
    Answer("one length twice", _answer(_TWO * 2, b"ok" + POISON)),
    Answer("chunked twice", _answer(_CHUNKED * 2, b"0\r\n\r\n" + POISON)),
    *(
        Answer(f"length {value!r}", _answer(b"Content-Length: " + value + b"\r\n", b"ok" + POISON))
        for value in _LENGTHS
    ),
    *(
        Answer(
            f"encoding {value!r}",
            _answer(b"Transfer-Encoding: " + value + b"\r\n", b"0\r\n\r\n" + POISON),
        )
        for value in _ENCODINGS
    ),
    *(Answer(f"line: {k}", _answer(v + _TWO, b"ok")) for k, v in _HEADER_LINES.items()),
    *(
        Answer(f"status: {k}", _answer(_TWO, b"ok", line=v), closes=True)
        for k, v in _STATUS_LINES.items()
    ),
    *(Answer(f"chunks: {k}", _answer(_CHUNKED, v), closes=True) for k, v in _CHUNKS.items()),
    Answer("more than said", _answer(_TWO, b"ok" + POISON)),
    Answer("more than chunks", _answer(_CHUNKED, b"2\r\nok\r\n0\r\n\r\n" + POISON)),
    Answer("a body of 0 and more", _answer(b"Content-Length: 0\r\n", POISON)),
    Answer("less than said", _answer(b"Content-Length: 200\r\n", POISON), closes=True),
    Answer("until it closes", _answer(b"", b"ok" + POISON), closes=True),
    Answer("204 with a body", _answer(_TWO, b"ok" + POISON, b"HTTP/1.1 204 None\r\n")),
    Answer("204 in chunks", _answer(_CHUNKED, b"0\r\n\r\n" + POISON, b"HTTP/1.1 204 None\r\n")),
    Answer("304 with a body", _answer(_TWO, b"ok" + POISON, b"HTTP/1.1 304 Same\r\n")),
    Answer("head with a body", _answer(_TWO, b"ok" + POISON), method=b"HEAD"),
    Answer("head in chunks", _answer(_CHUNKED, b"0\r\n\r\n" + POISON), method=b"HEAD"),
    Answer("100, then it", b"HTTP/1.1 100 Continue\r\n\r\n" + _answer(_TWO, b"ok")),
    Answer(
        "100 with a length",
        b"HTTP/1.1 100 Continue\r\nContent-Length: 78\r\n\r\n" + _answer(_TWO, b"ok"),
    ),
    Answer(
        "103, then two", b"HTTP/1.1 103 Early\r\nLink: x\r\n\r\n" + _answer(_TWO, b"ok" + POISON)
    ),
    Answer(
        "101 unasked",
        _answer(b"Connection: upgrade\r\nUpgrade: x\r\n", POISON, b"HTTP/1.1 101 Now\r\n"),
        closes=True,
    ),
    Answer(
        "http/1.0 in chunks",
        _answer(_CHUNKED, b"2\r\nok\r\n0\r\n\r\n", b"HTTP/1.0 200 OK\r\n"),
        closes=True,
    ),
    Answer(
        "http/1.0 kept, more",
        _answer(b"Connection: keep-alive\r\n" + _TWO, b"ok" + POISON, b"HTTP/1.0 200 OK\r\n"),
    ),
    Answer("an empty line first", b"\r\n" + _answer(_TWO, b"ok"), closes=True),
    Answer("lf alone", b"HTTP/1.1 200 OK\nContent-Length: 2\n\nok"),
    Answer("a head that stops", _OK + _TWO, closes=True),
    Answer("accel to nowhere", _answer(b"X-Accel-Redirect: /\r\n\x20\r\n" + _TWO, b"ok")),
]
