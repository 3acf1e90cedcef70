"""What a tap understands of the bytes that pass, without a socket."""

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from surehop.lab.tap.conversation import Conversation
from surehop.lab.tap.record import Connection, Exchange, Moment

GET = b"GET /a HTTP/1.1\r\nHost: o\r\n\r\n"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=5, max=3\r\n\r\nok"
POST = b"POST /p HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello"
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nabc\r\n1;x=y\r\nd\r\n0\r\nT: 1\r\n\r\n"
)
PUT = b"PUT /c HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"
NONE = b"HTTP/1.1 204 No Content\r\n\r\n"


class Talk:
    """A conversation with a clock that steps a second at each piece."""

    def __init__(self) -> None:
        self.record = Connection(1, "127.0.0.1:1", 0.0)
        self.record.connected = 0.0
        self.told: list[Exchange] = []
        self.conversation = Conversation(self.record, self.told.append)
        self.at = 0.0

    def up(self, *pieces: bytes) -> "Talk":
        for piece in pieces:
            self.at += 1
            self.conversation.from_client(piece, self.at)
        return self

    def down(self, *pieces: bytes) -> "Talk":
        for piece in pieces:
            self.at += 1
            self.conversation.from_upstream(piece, self.at)
        return self

    def moment(self) -> Moment:
        return self.conversation.moment()


def test_a_request_and_its_answer() -> None:
    talk = Talk()
    assert talk.moment() is Moment.FRESH
    assert talk.up(GET).moment() is Moment.WAITING
    assert talk.down(OK).moment() is Moment.IDLE
    (exchange,) = talk.told
    assert (exchange.method, exchange.target, exchange.status) == ("GET", "/a", 200)
    assert (exchange.begun, exchange.sent, exchange.head, exchange.ended) == (1, 1, 2, 2)
    assert (exchange.request_bytes, exchange.response_bytes) == (len(GET), len(OK))
    assert (exchange.hint, exchange.idle, exchange.late) == ("timeout=5, max=3", None, False)


def test_the_moments_of_a_slow_exchange() -> None:
    talk = Talk()
    moments = [talk.up(piece).moment() for piece in (POST[:7], POST[7:-2], POST[-2:])]
    moments += [talk.down(piece).moment() for piece in (OK[:4], OK[4:-1], OK[-1:])]
    assert moments == [
        Moment.REQUEST,
        Moment.REQUEST,
        Moment.WAITING,
        Moment.RESPONSE,
        Moment.RESPONSE,
        Moment.IDLE,
    ]
    (exchange,) = talk.told
    assert (exchange.begun, exchange.sent, exchange.head, exchange.ended) == (1, 3, 4, 6)


def test_idle_is_from_the_answers_end_to_the_next_request() -> None:
    talk = Talk().up(GET).down(OK)
    talk.at = 6.0
    talk.up(GET).down(OK)
    assert [e.idle for e in talk.told] == [None, 5.0]
    assert talk.conversation.rested(10.0) == 2.0


def test_pipelined_requests_are_answered_in_order() -> None:
    talk = Talk().up(GET + POST + PUT).down(OK + CHUNKED + NONE)
    assert [(e.method, e.status) for e in talk.told] == [("GET", 200), ("POST", 200), ("PUT", 204)]
    assert talk.moment() is Moment.IDLE


@given(data=st.data())
def test_however_the_bytes_are_cut(data: st.DataObject) -> None:
    up, down = GET + POST + PUT + GET, OK + CHUNKED + b"HTTP/1.1 100 Continue\r\n\r\n" + NONE + OK
    talk = Talk()
    talk.up(*_cut(data, up)).down(*_cut(data, down))
    assert [(e.method, e.status, e.interim) for e in talk.told] == [
        ("GET", 200, 0),
        ("POST", 200, 0),
        ("PUT", 204, 1),
        ("GET", 200, 0),
    ]
    assert sum(e.request_bytes for e in talk.told) == len(up)
    assert sum(e.response_bytes for e in talk.told) == len(down)
    assert talk.moment() is Moment.IDLE


def _cut(data: st.DataObject, whole: bytes) -> Iterator[bytes]:
    cuts = data.draw(st.sets(st.integers(1, len(whole) - 1), max_size=12))
    return (whole[a:b] for a, b in pairwise([0, *sorted(cuts), len(whole)]))


def test_an_answer_to_head_has_no_body() -> None:
    talk = Talk().up(b"HEAD / HTTP/1.1\r\n\r\n").down(OK[:-2])
    assert talk.moment() is Moment.IDLE
    talk.up(GET).down(OK)
    assert [e.status for e in talk.told] == [200, 200]


def test_an_answer_without_a_length_ends_with_the_connection() -> None:
    talk = Talk().up(GET).down(b"HTTP/1.0 200 OK\r\n\r\nabc", b"def")
    assert talk.moment() is Moment.RESPONSE
    talk.conversation.upstream_fin(9.0)
    assert talk.moment() is Moment.IDLE
    assert talk.told[0].ended == 9.0


@pytest.mark.parametrize("answer", [OK[:-1], CHUNKED[:-4], OK[:20]])
def test_an_answer_that_is_cut_off_stays_open(answer: bytes) -> None:
    talk = Talk().up(GET).down(answer)
    talk.conversation.upstream_fin(9.0)
    assert talk.moment() is Moment.RESPONSE
    talk.conversation.end()
    assert [e.ended for e in talk.told] == [None]


def test_a_request_after_the_fin_is_late() -> None:
    talk = Talk().up(GET).down(OK)
    talk.conversation.upstream_fin(9.0)
    talk.up(GET)
    talk.conversation.end()
    assert [e.late for e in talk.told] == [False, True]


def test_an_answer_that_nobody_asked_for() -> None:
    talk = Talk().down(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
    talk.conversation.upstream_fin(2.0)
    assert [(e.method, e.status, e.closing) for e in talk.told] == [("-", 408, "upstream")]
    assert talk.record.requests == 0


def test_an_upgrade_leaves_bytes() -> None:
    talk = (
        Talk().up(GET).down(b"HTTP/1.1 101 Switching Protocols\r\n\r\n\x81\x02hi").up(b"\x81\x00")
    )
    assert talk.record.opaque == "upgraded"
    assert [(b.side, b.size) for b in talk.record.bursts] == [("upstream", 4), ("client", 2)]
    assert talk.moment() is Moment.OPAQUE


def test_connect_leaves_bytes() -> None:
    talk = Talk().up(b"CONNECT a:443 HTTP/1.1\r\n\r\n").down(b"HTTP/1.1 200 OK\r\n\r\n").up(b"\x16")
    assert talk.record.opaque == "a tunnel"


@pytest.mark.parametrize(
    ("data", "told"),
    [
        (b"\x16\x03\x01\x02\x00", "TLS"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "HTTP/2"),
        (b"*1\r\n$4\r\nPING\r\n", "not HTTP/1"),
        (b"\x00\x01\x02", "not HTTP/1"),
        (b"GET /\r\n", "not HTTP/1"),
    ],
)
def test_what_is_no_http(data: bytes, told: str) -> None:
    talk = Talk().up(data).down(b"x" * 10)
    assert talk.record.opaque == f"from the client: {told}"
    assert [(b.side, b.size) for b in talk.record.bursts] == [
        ("client", len(data)),
        ("upstream", 10),
    ]


def test_garbage_for_an_answer() -> None:
    talk = Talk().up(GET).down(b"garbage\r\n")
    assert talk.record.opaque == "from the upstream: not HTTP/1"
    assert [e.status for e in talk.told] == [None]


@given(st.lists(st.tuples(st.booleans(), st.binary(min_size=1, max_size=60)), max_size=8))
def test_any_bytes_are_borne(pieces: list[tuple[bool, bytes]]) -> None:
    talk = Talk()
    for from_client, data in pieces:
        talk.up(data) if from_client else talk.down(data)
    talk.conversation.end()
