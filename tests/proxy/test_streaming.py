"""Bodies go through as they come, both ways, in bounded memory, and cut anywhere."""

import hashlib
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
from front import STREAMED, data_process, memory, running, server, servers

from raw import GET, Raw
from scripted import OK, Answer, Scripted
from surehop.lab.subjects import Program, Subject

_MIB = 1 << 20
# What the kernel holds of a stalled connection, on both its ends: tcp_wmem and tcp_rmem at most.
_KERNEL = 24 * _MIB
_PATIENCE = 20.0
_NO_FILES = "proxy_max_temp_file_size 0;"


@pytest.fixture(scope="module")
def scripted() -> Iterator[Scripted]:
    with Scripted() as origin:
        yield origin


@pytest.fixture(scope="module")
def front(surehop: Program, scripted: Scripted) -> Iterator[Subject]:
    conf = server(f"client_max_body_size 0; {STREAMED}", upstream=servers(scripted))
    with running(surehop, conf) as subject:
        yield subject


@contextmanager
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(_PATIENCE)
        yield listener


def stall(sock: socket.socket, limit: int) -> int:
    """Send until nothing more is taken for half a second; how much was."""
    sock.settimeout(0.5)
    piece, sent = bytes(1 << 16), 0
    while sent < limit:
        try:
            sent += sock.send(piece[: limit - sent])
        except TimeoutError:
            break
    return sent


def accepted(listener: socket.socket) -> tuple[socket.socket, bytes]:
    """The next connection and the head that came by it, with what came behind."""
    sock, _ = listener.accept()
    sock.settimeout(_PATIENCE)
    head = b""
    while b"\r\n\r\n" not in head:
        head += sock.recv(65536)
    return sock, head


def test_a_client_that_does_not_read_stops_the_origin(surehop: Program) -> None:
    size = 256 * _MIB
    with listening() as listener:
        upstream = f"server 127.0.0.1:{listener.getsockname()[1]};"
        with running(surehop, server(_NO_FILES, upstream=upstream)) as subject:
            pid = data_process(subject)
            before = memory(pid)
            with socket.create_connection(("127.0.0.1", subject.port)) as client:
                client.sendall(b"GET / HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n")
                origin, _ = accepted(listener)
                with origin:
                    origin.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
                    sent = stall(origin, size)
                    assert sent < 2 * _KERNEL, "nothing held the origin back"
                    assert memory(pid) - before < 4 * _MIB
                    rest = threading.Thread(target=_send_rest, args=(origin, size - sent))
                    rest.start()
                    got = _drain(client)
                    rest.join()
            assert got > size
            assert memory(pid) - before < 8 * _MIB


def test_stalled_clients_cost_little_each(surehop: Program) -> None:
    clients = 40
    with listening() as listener:
        upstream = f"server 127.0.0.1:{listener.getsockname()[1]};"
        with running(surehop, server(_NO_FILES, upstream=upstream)) as subject:
            pid = data_process(subject)
            before = memory(pid)
            held: list[socket.socket] = []
            for _ in range(clients):
                client = socket.create_connection(("127.0.0.1", subject.port))
                client.sendall(GET)
                origin, _ = accepted(listener)
                origin.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
                origin.setblocking(False)
                with suppress(BlockingIOError):
                    while True:
                        origin.send(bytes(1 << 18))
                held += [client, origin]
            assert memory(pid) - before < clients * 300 * 1024
            for sock in held:
                sock.close()


def test_the_kernel_holds_little_for_a_client_that_does_not_read(surehop: Program) -> None:
    """It would take some megabytes for each: all that clients may have together is soon used up."""
    with listening() as listener:
        upstream = f"server 127.0.0.1:{listener.getsockname()[1]};"
        conf = server(_NO_FILES, upstream=upstream)
        with running(surehop, conf) as subject, socket.socket() as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            client.connect(("127.0.0.1", subject.port))
            client.sendall(b"GET / HTTP/1.1\r\nHost: o\r\n\r\n")
            origin, _ = accepted(listener)
            with origin:
                size = 64 * _MIB
                origin.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
                assert stall(origin, size) < size
                assert 0 < unacknowledged(subject.port, client) < 512 << 10


def unacknowledged(port: int, client: socket.socket) -> int:
    """Bytes that the kernel holds for this client of a port."""
    ends = [f":{port:04X}", f":{client.getsockname()[1]:04X}"]
    for line in Path("/proc/net/tcp").read_text("ascii").splitlines()[1:]:
        _, local, remote, _, queues, *_ = line.split()
        if [local[-5:], remote[-5:]] == ends:
            return int(queues.partition(":")[0], 16)
    raise AssertionError("no such connection")


def test_an_origin_that_does_not_read_stops_the_client(surehop: Program) -> None:
    size = 256 * _MIB
    with listening() as listener:
        upstream = f"server 127.0.0.1:{listener.getsockname()[1]};"
        conf = server(f"client_max_body_size 0; {STREAMED}", upstream=upstream)
        with running(surehop, conf) as subject:
            pid = data_process(subject)
            before = memory(pid)
            with socket.create_connection(("127.0.0.1", subject.port)) as client:
                client.sendall(b"POST / HTTP/1.1\r\nHost: o\r\nContent-Length: %d\r\n\r\n" % size)
                # The origin hears of it once the beginning is there.
                sent = stall(client, size)
                assert sent < 2 * _KERNEL, "nothing held the client back"
                assert memory(pid) - before < 4 * _MIB
                origin, head = accepted(listener)
                with origin:
                    rest = threading.Thread(target=_send_rest, args=(client, size - sent))
                    rest.start()
                    left = size - len(head.split(b"\r\n\r\n", 1)[1])
                    while left:
                        left -= len(origin.recv(min(left, _MIB)))
                    rest.join()
                    origin.sendall(OK)
                    assert client.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_download_comes_as_it_is_sent(front: Subject, scripted: Scripted) -> None:
    go = threading.Event()
    scripted.play(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\none", go, b"two")
    with Raw(front.port) as client:
        client.send(GET).until(b"one")
        go.set()
        assert client.until(b"two") == b"two"


def test_chunks_come_as_they_are_sent(front: Subject, scripted: Scripted) -> None:
    go = threading.Event()
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    scripted.play(head + b"3\r\none\r\n", go, b"3\r\ntwo\r\n0\r\n\r\n")
    with Raw(front.port) as client:
        client.send(GET).until(b"3\r\none\r\n")
        go.set()
        assert client.until(b"0\r\n\r\n") == b"3\r\ntwo\r\n0\r\n\r\n"


@pytest.mark.parametrize("chunked", [False, True])
def test_an_upload_goes_as_it_comes(surehop: Program, chunked: bool) -> None:
    """What is longer than is held for a replay goes on before it has come whole."""
    size, first = 100_000, 50_000
    framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {size}"

    def framed(data: bytes) -> bytes:
        return b"%x\r\n%b\r\n" % (len(data), data) if chunked else data

    with listening() as listener:
        upstream = f"server 127.0.0.1:{listener.getsockname()[1]};"
        conf = server(STREAMED, upstream=upstream)
        with running(surehop, conf) as subject, Raw(subject.port) as client:
            client.send(f"PUT / HTTP/1.1\r\nHost: o\r\n{framing}\r\n\r\n".encode())
            client.send(framed(b"a" * first))
            origin, got = accepted(listener)
            with origin:
                while got.count(b"a") < first:
                    got += origin.recv(65536)
                client.send(framed(b"b" * (size - first)) + (b"0\r\n\r\n" if chunked else b""))
                while got.count(b"b") < size - first:
                    got += origin.recv(65536)
                origin.sendall(OK)
                assert client.answer(b"")[0] == 200
            head = got.split(b"\r\n\r\n")[0].decode()
            assert framing in head.split("\r\n")


def test_an_early_answer_crosses_the_upload(front: Subject, scripted: Scripted) -> None:
    """The origin answers before the body has come: the client hears it while it still sends."""
    scripted.play(OK, early=True)
    scripted.take()
    body = b"x" * 60_000
    with Raw(front.port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: o\r\nContent-Length: 120000\r\n\r\n" + body)
        status, headers = client.head()
        assert status == 200
        assert headers["connection"] == "close", "nobody knows how much is still to come"
        client.until(b"ok\n")
        client.send(body)
        assert client.end() == "fin"


def test_an_early_refusal_does_not_wait_for_the_upload(front: Subject, scripted: Scripted) -> None:
    refusal = b"HTTP/1.1 413 Too Much\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno\n"
    scripted.play(refusal, "hang", early=True)
    with Raw(front.port) as client:
        client.send(b"POST / HTTP/1.1\r\nHost: o\r\nContent-Length: 99999999\r\n\r\n")
        client.send(b"x" * 20_000)
        status, _ = client.head()
        assert status == 413
        assert client.until(b"no\n") == b"no\n"


PIPELINE = (
    b"POST /1 HTTP/1.1\r\nHost: o\r\nContent-Length: 5\r\n\r\nfirst"
    b"POST /2 HTTP/1.1\r\nHost: o\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"3\r\nsec\r\n3;x\r\nond\r\n0\r\n\r\n"
    b"GET /3 HTTP/1.1\r\nHost: o\r\nConnection: close\r\n\r\n"
)


def _pipelined(front: Subject, scripted: Scripted, pieces: list[bytes]) -> None:
    answer = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n%d\n"
    scripted.play_paths({f"/{n}": Answer((answer % n,)) for n in (1, 2, 3)})
    scripted.take()
    with Raw(front.port) as client:
        for piece in pieces:
            client.send(piece)
        answers = [client.answer(b"") for _ in range(3)]
        assert client.end() == "fin"
    assert [(status, body) for status, _, body in answers] == [
        (200, b"1\n"),
        (200, b"2\n"),
        (200, b"3\n"),
    ]
    first, second, third = scripted.take()
    assert (first.target, first.framing, first.body) == ("/1", "length", b"first")
    # A body that has come whole by the time of the head is sent with its length.
    assert (second.target, second.body) == ("/2", b"second")
    assert second.framing in {"length", "chunked"}
    assert (third.target, third.framing, third.body) == ("/3", "none", b"")


def test_pipelined_requests_cut_anywhere(front: Subject, scripted: Scripted) -> None:
    for at in range(len(PIPELINE)):
        _pipelined(front, scripted, [PIPELINE[:at], PIPELINE[at:]])


def test_pipelined_requests_byte_by_byte(front: Subject, scripted: Scripted) -> None:
    _pipelined(front, scripted, [bytes([byte]) for byte in PIPELINE])


ANSWER = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-One: 1\r\n\r\n"
    b"4;e=1\r\nbody\r\n2\r\n!!\r\n0\r\nT: 1\r\n\r\n"
)


def test_answers_cut_anywhere(front: Subject, scripted: Scripted) -> None:
    for at in range(1, len(ANSWER)):
        scripted.play(ANSWER[:at], ANSWER[at:])
        with Raw(front.port) as client:
            client.send(b"GET / HTTP/1.0\r\nHost: o\r\n\r\n")
            assert client.rest().endswith(b"\r\n\r\nbody!!"), at


def test_large_bodies_arrive_whole_both_ways(front: Subject, scripted: Scripted) -> None:
    data = b"".join(hashlib.sha256(b"%d" % n).digest() for n in range(200_000))
    scripted.play(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data)
    scripted.take()
    head = b"PUT /large HTTP/1.1\r\nHost: o\r\nContent-Length: %d\r\n\r\n" % len(data)
    with Raw(front.port) as client:
        status, _, body = client.answer(head + data)
    assert (status, body == data) == (200, True)
    (got,) = scripted.take()
    assert got.body == data


@pytest.mark.parametrize("interim", [b"100 Continue", b"102 Processing", b"103 Early Hints"])
@pytest.mark.parametrize("count", [1, 7])
def test_interim_answers_are_kept_from_the_client(
    front: Subject, scripted: Scripted, interim: bytes, count: int
) -> None:
    line = b"HTTP/1.1 %b\r\nX-Interim: 1\r\n\r\n" % interim
    scripted.play(*[line] * count, OK)
    with Raw(front.port) as client:
        for _ in range(2):
            status, headers, body = client.answer()
            assert (status, body) == (200, b"ok\n")
            assert "x-interim" not in headers


def test_interim_answers_in_one_segment(front: Subject, scripted: Scripted) -> None:
    scripted.play(b"HTTP/1.1 103 Hints\r\nLink: </x>\r\n\r\n" * 3 + OK)
    with Raw(front.port) as client:
        assert client.answer()[0] == 200


def test_interim_answers_do_not_pile_up(front: Subject, scripted: Scripted) -> None:
    """Ten megabytes of them, each of which fits the buffer."""
    scripted.play(b"HTTP/1.1 102 Processing\r\nX: %b\r\n\r\n" % (b"x" * 900) * 10_000, OK)
    before = memory(data_process(front))
    with Raw(front.port) as client:
        assert client.answer()[0] == 200
    assert memory(data_process(front)) - before < 2 * _MIB


def _send_rest(sock: socket.socket, left: int) -> None:
    sock.settimeout(_PATIENCE)
    piece = bytes(_MIB)
    while left:
        sock.sendall(piece[:left])
        left -= min(left, _MIB)


def _drain(sock: socket.socket) -> int:
    sock.settimeout(_PATIENCE)
    got = 0
    while more := sock.recv(_MIB):
        got += len(more)
    return got
