"""Faults at each point of an exchange, and for a share of requests."""

import time

import pytest

from raw import GET, Raw
from surehop.lab.origins import Fault, Origin
from waiting import eventually

KINDS = ["fin", "rst"]


@pytest.mark.parametrize("kind", KINDS)
def test_on_accept(origin: Origin, kind: str) -> None:
    origin.set(faults=[Fault(kind, at="accept", times=1)])
    assert met_on_accept(origin) == kind
    with Raw(origin.port) as raw:
        assert raw.answer()[0] == 200
    assert origin.stats().faults == 1


def met_on_accept(origin: Origin) -> str:
    try:
        with Raw(origin.port) as raw:
            return raw.end()
    except ConnectionResetError:  # it came before connect() had looked
        return "rst"


@pytest.mark.parametrize("kind", KINDS)
def test_after_some_bytes_of_the_request(origin: Origin, kind: str) -> None:
    origin.set(faults=[Fault(kind, at="bytes", after=len(GET) + 5, nth=2)])
    with Raw(origin.port) as raw:
        assert raw.answer()[0] == 200
        raw.send(b"PUT / HTTP/1.1\r\nHost: o\r\nContent-Length: 900\r\n\r\n")
        assert raw.end() == kind
        assert origin.stats().requests <= 2


def test_a_request_that_is_shorter_is_served(origin: Origin) -> None:
    origin.set(faults=[Fault("rst", at="bytes", after=10_000)])
    with Raw(origin.port) as raw:
        assert raw.answer()[0] == 200
        assert raw.answer()[0] == 200


def test_no_byte_more_is_waited_for(origin: Origin) -> None:
    origin.set(faults=[Fault("fin", at="bytes", after=5)])
    with Raw(origin.port) as raw:
        raw.send(b"GET ")
        assert raw.end(0.03) == "open"
        assert raw.send(b"/").end() == "fin"
    assert origin.stats().requests == 0


@pytest.mark.parametrize("kind", [*KINDS, "hang"])
def test_after_the_head(origin: Origin, kind: str) -> None:
    origin.set(body=10, faults=[Fault(kind, at="head")])
    with Raw(origin.port) as raw:
        assert raw.send(GET).head()[1]["content-length"] == "10"
        assert raw.end(0.05 if kind == "hang" else 5) == ("open" if kind == "hang" else kind)
        assert raw.left() == b""


@pytest.mark.parametrize("kind", [*KINDS, "hang"])
@pytest.mark.parametrize(("after", "seen"), [(0, b'!"#$%'), (3, b'!"#')])
def test_in_the_body(origin: Origin, kind: str, after: int, seen: bytes) -> None:
    origin.set(body=10, faults=[Fault(kind, at="body", after=after)])
    with Raw(origin.port) as raw:
        raw.send(GET).head()
        assert raw.end(0.05 if kind == "hang" else 5) == ("open" if kind == "hang" else kind)
        assert raw.left() == seen


def test_in_a_chunked_body(origin: Origin) -> None:
    origin.set(faults=[Fault("fin", at="body", after=4)])
    with Raw(origin.port) as raw:
        raw.send(GET.replace(b" / ", b" /chunked/9 ")).head()
        assert raw.rest() == b'4\r\n!"#$\r\n'


def test_two_lengths(origin: Origin) -> None:
    origin.set(faults=[Fault("two_lengths")])
    with Raw(origin.port) as raw:
        text = raw.send(GET).rest()
    assert text.count(b"Content-Length: ") == 2
    assert b"Content-Length: 3\r\nContent-Length: 4\r\n" in text


def test_a_storm_of_early_answers(origin: Origin) -> None:
    origin.set(faults=[Fault("early_storm", count=30, times=1)])
    with Raw(origin.port) as raw:
        raw.send(GET)
        assert [raw.head()[0] for _ in range(30)] == [103] * 30
        assert raw.answer(b"")[0] == 200
        assert raw.answer()[0] == 200


@pytest.mark.parametrize("kind", ["slow_head", "slow_body"])
def test_slow_answers_are_whole_and_take_their_time(origin: Origin, kind: str) -> None:
    origin.set(body=1000, faults=[Fault(kind, seconds=0.1, times=2)])
    with Raw(origin.port) as raw:
        before = time.monotonic()
        assert len(raw.answer()[2]) == 1000
        assert time.monotonic() - before > 0.08
        raw.send(GET.replace(b" / ", b" /chunked/5 ")).head()
        assert raw.until(b"0\r\n\r\n") == b'5\r\n!"#$%\r\n0\r\n\r\n'


def test_who_is_not_read_from_fills_up(origin: Origin) -> None:
    origin.set(faults=[Fault("unread", times=1)])
    with Raw(origin.port) as raw:
        raw._sock.settimeout(0.2)
        with pytest.raises(TimeoutError):
            raw.send(bytes(64 << 20))
        assert origin.stats().open == 1
    with Raw(origin.port) as raw:
        assert raw.answer()[0] == 200


def test_a_connection_that_is_not_served_ends_with_its_client(origin: Origin) -> None:
    origin.set(faults=[Fault("hang", at="accept")])
    with Raw(origin.port) as raw:
        assert raw.send(GET).end(0.03) == "open"
    eventually(lambda: not origin.stats().open)


def failures(origin: Origin, count: int = 60) -> list[bool]:
    found = []
    for _ in range(count):
        with Raw(origin.port) as raw:
            found.append(raw.send(GET.replace(b"Host", b"Connection: close\r\nHost")).rest() == b"")
    return found


def test_a_share_of_requests_by_a_seed(origin: Origin) -> None:
    origin.set(seed=7, faults=[Fault("fin", share=0.5)])
    first = failures(origin)
    origin.set(seed=7)
    assert failures(origin) == first
    assert 10 < sum(first) < 50
    origin.set(seed=8)
    assert failures(origin) != first


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("garbage,at=head", "a place of its own"),
        ("fin,at=end", "`at` is one of accept"),
        ("fin,share=2", "a part of the requests"),
        ("rst,at=accept,path=/x", "known yet"),
        ("rst,at=bytes,method=GET", "known yet"),
        ("rst,when=now", "hint: one of"),
        ("rst,share=x", "not a value"),
    ],
)
def test_what_can_not_be_is_told(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        Fault.parse(text)


def test_all_options_are_read() -> None:
    text = "rst,at=body,after=9,share=0.25,seconds=2,count=3"
    assert Fault.parse(text) == Fault("rst", at="body", after=9, share=0.25, seconds=2.0, count=3)
