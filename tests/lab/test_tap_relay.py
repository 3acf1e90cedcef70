"""The relay between real sockets: bytes, FIN and RST go across as they came, and are recorded."""

import errno
import hashlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from raw import GET, Raw, exchanged, get, untouched
from surehop.errors import AddressInUseError, OptionError, StartError
from surehop.lab.origins import Fault, Origin
from surehop.lab.ports import Port
from surehop.lab.tap import Connection, How, Moment, Side, Tap
from surehop.lab.tap.address import Address, Place

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@contextmanager
def upstream(family: int = socket.AF_INET, name: str = "127.0.0.1") -> Iterator[socket.socket]:
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind(name if family == socket.AF_UNIX else (name, 0))
        listener.listen()
        listener.settimeout(5)
        yield listener


def place(listener: socket.socket) -> str:
    return f"127.0.0.1:{listener.getsockname()[1]}"


def accepted(listener: socket.socket) -> Raw:
    """The other end, as a `Raw`."""
    raw = Raw.__new__(Raw)
    raw._sock, _ = listener.accept()
    raw._sock.settimeout(5)
    raw._data = b""
    return raw


def ends(record: Connection) -> list[tuple[Side, How, Moment, int]]:
    return [(e.side, e.how, e.moment, e.request) for e in record.endings]


def test_an_idle_close_and_the_race(origin: Origin) -> None:
    origin.set(keepalive_timeout=0.2, buffer=0)
    with Tap(f"127.0.0.1:{origin.port}") as tap:
        with Raw(tap.port) as raw:
            assert raw.answer()[0] == 200
            assert raw.answer()[0] == 200
            assert raw.end() == "fin"
            raw.send(GET)
            assert raw.end() in {"rst", "fin"}  # FIN was read: the reset comes behind it
        (record,) = tap.wait()
    first = record.endings[0]
    assert (first.side, first.how, first.moment) == (Side.UPSTREAM, How.FIN, Moment.IDLE)
    assert first.request == 2
    assert first.idle == pytest.approx(0.2, abs=0.15)
    assert (first.bytes_up, first.bytes_down) == (2 * len(GET), record.bytes_down)
    assert (Side.UPSTREAM, How.RST) in {(e.side, e.how) for e in record.endings[1:]}
    assert [e.late for e in record.exchanges] == [False, False, True]
    assert record.exchanges[0].hint == "timeout=0.2"
    assert record.failed


@pytest.mark.parametrize(("fault", "how"), [("fin", How.FIN), ("rst", How.RST)])
def test_a_close_on_receipt_of_the_second_request(origin: Origin, fault: str, how: How) -> None:
    origin.set(faults=[Fault(fault, nth=2)])
    with Tap(f"127.0.0.1:{origin.port}") as tap:
        with Raw(tap.port) as raw:
            raw.answer()
            raw.send(GET)
            assert raw.end() == str(how)
        (record,) = tap.wait()
    assert ends(record)[0] == (Side.UPSTREAM, how, Moment.WAITING, 2)
    assert record.failed


def test_a_clients_reset_goes_upstream() -> None:
    with upstream() as listener, Tap(place(listener)) as tap:
        with Raw(tap.port) as raw:
            raw.send(GET)
            other = accepted(listener)
            with other:
                other.until(b"\r\n\r\n")
                raw.abort()
                assert other.end() == "rst"
        (record,) = tap.wait()
    assert ends(record) == [(Side.CLIENT, How.RST, Moment.WAITING, 1)]
    assert record.failed


def test_a_client_that_leaves_is_no_failure() -> None:
    with upstream() as listener, Tap(place(listener)) as tap:
        raw = Raw(tap.port).send(GET)
        other = accepted(listener)
        other.until(b"\r\n\r\n")
        raw.close()
        assert other.end() == "fin"
        other.send(HEAD)
        (record,) = tap.wait()
        other.close()
    assert ends(record)[0] == (Side.CLIENT, How.FIN, Moment.WAITING, 1)
    assert record.endings[1].how is How.RST
    assert not record.failed


def test_a_half_close_goes_across_and_the_answer_comes_back() -> None:
    with upstream() as listener, Tap(place(listener)) as tap:
        with Raw(tap.port) as raw:
            raw.send(GET)
            raw._sock.shutdown(socket.SHUT_WR)
            with accepted(listener) as other:
                assert other.rest() == GET
                other.send(HEAD)
                assert raw.until(b"ok") == HEAD
            assert raw.end() == "fin"
        (record,) = tap.wait()
    assert ends(record) == [
        (Side.CLIENT, How.FIN, Moment.WAITING, 1),
        (Side.UPSTREAM, How.FIN, Moment.IDLE, 1),
    ]
    assert not record.failed


def test_what_was_sent_before_a_reset_arrives() -> None:
    with upstream() as listener, Tap(place(listener)) as tap:
        with Raw(tap.port) as raw:
            raw.send(GET)
            other = accepted(listener)
            other.until(b"\r\n\r\n")
            other.send(HEAD[:-1])
            other.abort()
            assert raw.end() == "rst"
            assert raw.left() == HEAD[:-1]
        (record,) = tap.wait()
    assert ends(record) == [(Side.UPSTREAM, How.RST, Moment.RESPONSE, 1)]
    assert (record.lost, record.bytes_down) == (0, len(HEAD) - 1)


def test_a_refusal_becomes_a_reset() -> None:
    with Port() as closed, Tap(closed.address("ipv4")) as tap:
        assert untouched(tap.port) == "rst"
        (record,) = tap.wait()
    assert [(t.address, t.error) for t in record.tries] == [
        (closed.address("ipv4"), "ECONNREFUSED")
    ]
    assert ends(record) == [(Side.UPSTREAM, How.FAILED, Moment.CONNECTING, 0)]
    assert record.failed


def test_addresses_are_tried_in_the_systems_order(
    origin: Origin, monkeypatch: pytest.MonkeyPatch
) -> None:
    port = origin.port
    with Port() as closed:
        found = [
            Address(socket.AF_INET, ("127.0.0.1", closed.number)),
            Address(socket.AF_INET, ("127.0.0.1", port)),
        ]
        monkeypatch.setattr("surehop.lab.tap.names.addresses_of", lambda _: found)
        with Tap(f"app.test:{port}") as tap:
            assert exchanged(tap.port, get(close=True)).endswith(b"ok\n")
            (record,) = tap.wait()
    assert [(t.address, t.error) for t in record.tries] == [
        (closed.address("ipv4"), "ECONNREFUSED"),
        (f"127.0.0.1:{port}", None),
    ]
    assert record.upstream == f"127.0.0.1:{port}"
    assert not record.failed


def test_a_name_that_is_none() -> None:
    with Tap("no.such.name.invalid:80") as tap:
        assert untouched(tap.port) == "rst"
        (record,) = tap.wait()
    assert record.resolve_error
    assert record.resolve_error.startswith("EAI_")


def test_a_connect_that_nobody_answers() -> None:
    with upstream() as listener:
        listener.listen(0)
        # A full queue: the kernel drops what comes then.
        crowd = [_begun(listener) for _ in range(4)]
        with Tap(place(listener), connect_timeout=0.2) as tap:
            assert untouched(tap.port) == "rst"
            (record,) = tap.wait()
        for sock in crowd:
            sock.close()
    assert [t.error for t in record.tries] == ["ETIMEDOUT"]
    assert record.tries[0].took >= 0.2


def _begun(listener: socket.socket) -> socket.socket:
    sock = socket.socket()
    sock.setblocking(False)
    assert sock.connect_ex(listener.getsockname()) in {0, errno.EINPROGRESS}
    return sock


def test_a_client_that_leaves_while_connecting() -> None:
    with upstream() as listener:
        listener.listen(0)
        crowd = [_begun(listener) for _ in range(4)]
        with Tap(place(listener)) as tap:
            Raw(tap.port).abort()
            (record,) = tap.wait()
        for sock in crowd:
            sock.close()
    assert ends(record)[0][:3] == (Side.CLIENT, How.RST, Moment.CONNECTING)


@pytest.mark.parametrize("slow", [False, True])
def test_megabytes_both_ways(slow: bool) -> None:
    data = bytes(range(256)) * 40_000
    with upstream() as listener, Tap(place(listener)) as tap:
        with Raw(tap.port) as raw, accepted(listener) as other:
            sums = {}

            def read(raw: Raw, name: str) -> None:
                found = hashlib.sha256()
                while piece := raw._sock.recv(1000 if slow else 1 << 20):
                    found.update(piece)
                sums[name] = found.digest()

            readers = [
                threading.Thread(target=read, args=(raw, "down")),
                threading.Thread(target=read, args=(other, "up")),
            ]
            for thread in readers:
                thread.start()
            for one in (raw, other):
                one._sock.settimeout(30)
                one.send(data)
                one._sock.shutdown(socket.SHUT_WR)
            for thread in readers:
                thread.join()
        (record,) = tap.wait()
    assert set(sums.values()) == {hashlib.sha256(data).digest()}
    assert (record.bytes_up, record.bytes_down, record.lost) == (len(data), len(data), 0)


def test_a_reset_while_the_other_side_does_not_read() -> None:
    with upstream() as listener, Tap(place(listener)) as tap, Raw(tap.port) as raw:
        other = accepted(listener)
        other._sock.settimeout(0.3)
        with pytest.raises(TimeoutError):
            other.send(b"x" * (64 << 20))
        other.abort()
        (record,) = tap.wait()
        assert raw.end() == "rst"
    assert record.lost > 0
    assert record.endings[0].how is How.RST


def test_unix_sockets(tmp_path: Path) -> None:
    path = str(tmp_path / "up")
    with upstream(socket.AF_UNIX, path) as listener, Tap(f"unix:{path}", f"unix:{path}t") as tap:
        assert tap.addresses == [f"unix:{path}t"]
        with Raw(0, unix=f"{path}t") as raw, accepted(listener) as other:
            raw.send(GET)
            other.until(b"\r\n\r\n")
            other.send(HEAD)
            assert raw.until(b"ok") == HEAD
        (record,) = tap.wait()
    assert not Path(f"{path}t").exists()
    assert record.upstream == f"unix:{path}"
    assert record.requests == 1


def test_a_dead_socket_file_is_no_obstacle(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "s"))
    with Tap("127.0.0.1:1", f"unix:{tmp_path}/s"):
        pass


def test_an_address_in_use() -> None:
    with upstream() as listener, pytest.raises(AddressInUseError, match="can't listen on"):
        Tap("127.0.0.1:1", f":{listener.getsockname()[1]}")


def test_a_tap_before_itself_is_refused() -> None:
    with Port() as port:
        number = port.number
    with pytest.raises(StartError, match="where the tap itself listens") as found:
        Tap(f"localhost:{number}", f":{number}")
    assert found.value.hint


def test_the_end_of_the_tap_ends_its_connections(origin: Origin) -> None:
    with Tap(f"127.0.0.1:{origin.port}") as tap:
        raw = Raw(tap.port)
        raw.answer()
    assert raw.end() == "fin"
    raw.close()
    assert ends(tap.connections[0]) == [(Side.TAP, How.FIN, Moment.IDLE, 1)]
    assert not tap.connections[0].failed


def test_many_connections_lose_nothing(origin: Origin) -> None:
    number = 300
    with Tap(f"127.0.0.1:{origin.port}") as tap:
        crowd = [Raw(tap.port) for _ in range(number)]
        for _ in range(2):
            for raw in crowd:
                raw.send(get("/bytes/2000"))
            assert {len(raw.answer(b"")[2]) for raw in crowd} == {2000}
        for raw in crowd:
            raw.close()
        records = tap.wait(number)
    assert {(r.requests, r.responses, r.failed) for r in records} == {(2, 2, False)}


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        (":8000", Place("127.0.0.1", 8000)),
        ("8000", Place("127.0.0.1", 8000)),
        ("[::1]:80", Place("::1", 80)),
        ("localhost:3000", Place("localhost", 3000)),
        ("*:80", Place("*", 80)),
        ("unix:/a b", Place(path="/a b")),
    ],
)
def test_places(text: str, meant: Place) -> None:
    assert Place.parse(text) == meant


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("localhost", "names no port"),
        ("localhost:http", "names no port"),
        ("a:65536", "names no port"),
        ("a:0", "names no port"),
        ("::1:80", "in brackets"),
        ("unix:", "without a path"),
        ("*:80", "no address to connect to"),
        ("a:٣", "names no port"),
    ],
)
def test_what_is_no_place(text: str, told: str) -> None:
    with pytest.raises(OptionError, match=told) as found:
        Place.parse(text, connect=True)
    assert found.value.hint
