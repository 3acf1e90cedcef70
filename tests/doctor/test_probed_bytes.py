"""Whatever a server sends, a probe says what it is."""

from typing import cast

from hypothesis import example, given, strategies as st

from surehop.doctor.probing.answer import Answer, Reader
from surehop.doctor.probing.asking import UNANSWERED
from surehop.doctor.probing.certificate import validity
from surehop.doctor.probing.wire import Wire

PARTS = [
    *(b"HTTP/1.1 200 OK", b"HTTP/1.0 204 ", b"HTTP/1.1 100 Continue", b"HTTP/1.1 2000", b"\r\n"),
    *(
        b"\r\n\r\n",
        b"\n",
        b"Content-Length: 3",
        b"Content-Length: 99999999999",
        b"Connection: close",
    ),
    *(
        b"Transfer-Encoding: chunked",
        b"3\r\n",
        b"0\r\n",
        b"ffffffffff\r\n",
        b";",
        b"\x15\x03",
        b"\0",
    ),
]
SENT = st.lists(st.sampled_from(PARTS) | st.binary(max_size=8), max_size=12).map(b"".join)


class Fed:
    """A connection that brings these bytes so many at a time, then FIN."""

    def __init__(self, data: bytes, size: int) -> None:
        self._data = data
        self._size = size

    def receive(self, until: float) -> bytes:  # noqa: ARG002
        found, self._data = self._data[: self._size], self._data[self._size :]
        return found


@given(SENT, st.sampled_from(["GET", "HEAD"]))
@example(b"HTTP/1.1 100 Continue\r\n\r\n\r\n", "GET")
def test_any_answer(data: bytes, method: str) -> None:
    def told(size: int) -> str:
        try:
            answer = Reader(cast("Wire", Fed(data, size))).answer(method, 0.0)
        except UNANSWERED as error:
            return repr(error)
        assert isinstance(answer, Answer)
        return f"{answer.head.status} {answer.head.headers} {answer.last}"

    whole = told(1 << 20)
    if not whole.startswith("NotHttp"):  # of a stranger what has come is shown
        assert told(1) == whole


@given(st.binary(max_size=60), st.integers(0, 59), st.sampled_from([0x30, 0xA0, 0x17, 0x18, 0x82]))
def test_any_certificate(data: bytes, at: int, tag: int) -> None:
    found = validity(data[:at] + bytes([tag]) + data[at:])
    assert found is None or found[0] is not None
