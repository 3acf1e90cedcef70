"""The origin as a server that fails exactly as it is told to."""

import gc
import json
import socket
import subprocess
import sys
import time
from contextlib import ExitStack
from typing import Any

import pytest

from raw import GET, Raw
from surehop.lab.origins import Fault, Origin, OriginProcess
from waiting import eventually

POISON = b"GET /poison HTTP/1.1\r\nHost: o\r\n\r\n"


@pytest.mark.parametrize("kind", ["fin", "rst"])
def test_close_on_receipt_of_the_nth_request(origin: Origin, kind: str) -> None:
    origin.set(faults=[Fault(kind, nth=2)])
    for _ in range(2):
        with Raw(origin.port) as raw:
            assert raw.answer()[0] == 200
            assert raw.send(GET).end() == kind
    assert origin.stats().faults == 2
    assert [d.fault for d in origin.stats().deliveries] == [None, kind, None, kind]


def test_a_fault_is_over_after_its_times(origin: Origin) -> None:
    origin.set(faults=[Fault("fin", times=1)])
    with Raw(origin.port) as raw:
        assert raw.send(GET).end() == "fin"
    with Raw(origin.port) as raw:
        assert raw.answer()[0] == 200


def test_a_fault_of_reused_connections_spares_the_first_request(origin: Origin) -> None:
    origin.set(faults=[Fault("rst", reused=True)])
    with Raw(origin.port) as raw:
        assert raw.answer()[0] == 200
        assert raw.send(GET).end() == "rst"


def test_poison_closes_its_path_alone(origin: Origin) -> None:
    origin.set(faults=[Fault("fin", path="/poison", method="GET")])
    with Raw(origin.port) as raw:
        assert raw.answer()[0] == 200
        assert raw.answer(POISON.replace(b"GET", b"PUT"))[0] == 200
        assert raw.send(POISON).end() == "fin"
    assert origin.stats().paths == {"/": 1, "/poison": 2}


def test_fin_waits_for_the_whole_body_and_expect_does_not(origin: Origin) -> None:
    origin.set(faults=[Fault("fin")])
    with Raw(origin.port) as raw:
        raw.send(b"PUT / HTTP/1.1\r\nHost: o\r\nContent-Length: 2\r\n\r\nh")
        assert raw.end(0.03) == "open"
        assert raw.send(b"i").end() == "fin"
    with Raw(origin.port) as raw:
        raw.send(b"PUT / HTTP/1.1\r\nHost: o\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n")
        assert raw.end() == "fin"


@pytest.mark.parametrize(
    ("kind", "seen"),
    [
        ("half_head", b"HTTP/1.1 200 OK\r\nContent-Ty"),
        ("half_body", b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n" + bytes(5)),
        ("garbage", b"\x15\x03\x01 this is not HTTP\r\n\r\n"),
    ],
)
def test_half_answers(origin: Origin, kind: str, seen: bytes) -> None:
    origin.set(body=10, faults=[Fault(kind)])
    with Raw(origin.port) as raw:
        assert raw.send(GET).rest() == seen


def test_hang_answers_nothing(origin: Origin) -> None:
    origin.set(faults=[Fault("hang")])
    with Raw(origin.port) as raw:
        assert raw.send(GET).end(0.05) == "open"
        assert origin.stats().open == 1


@pytest.mark.parametrize("kind", ["fin", "rst"])
def test_idle_connections_are_closed_after_their_time(kind: str) -> None:
    with Origin(keepalive_timeout=0.04, idle_close=kind) as origin, Raw(origin.port) as raw:
        assert raw.answer()[1]["keep-alive"] == "timeout=0.04"
        before = time.monotonic()
        assert raw.end() == kind
        assert 0.03 < time.monotonic() - before < 0.5


def test_a_buffer_is_added_and_not_told() -> None:
    with Origin(keepalive_timeout=0.02, buffer=0.04) as origin, Raw(origin.port) as raw:
        assert raw.answer()[1]["keep-alive"] == "timeout=0.02"
        before = time.monotonic()
        assert raw.end() == "fin"
        assert time.monotonic() - before > 0.05


def test_the_idle_clock_starts_after_a_response(origin: Origin) -> None:
    origin.set(keepalive_timeout=0.01)
    with Raw(origin.port) as raw:
        assert raw.end(0.04) == "open"
        assert raw.answer()[0] == 200


@pytest.mark.parametrize("behaviour", [{"hint": False}, {"keepalive_timeout": 0}])
def test_no_hint(behaviour: dict[str, Any]) -> None:
    with Origin(**behaviour) as origin, Raw(origin.port) as raw:
        assert "keep-alive" not in raw.answer()[1]


@pytest.mark.parametrize("kind", ["fin", "rst"])
def test_close_idle_spares_the_busy(origin: Origin, kind: str) -> None:
    with Raw(origin.port) as idle, Raw(origin.port) as busy:
        idle.answer()
        busy.answer()
        busy.send(b"GET /slow?ms=50 HTTP/1.1\r\nHost: o\r\n\r\n")
        eventually(lambda: origin.stats().paths.get("/slow") == 1)
        assert origin.close_idle(kind) == 1
        assert idle.end() == kind
        assert busy.answer(b"")[0] == 200


def test_too_many_connections_are_accepted_and_closed() -> None:
    with Origin(max_connections=1) as origin:
        with Raw(origin.port) as first, Raw(origin.port) as second:
            assert second.end() == "fin"
            assert first.answer()[0] == 200
            assert origin.stats().turned_away == 1
        eventually(lambda: not origin.stats().open)
        with Raw(origin.port) as third:
            assert third.answer()[0] == 200


def test_max_requests_ends_a_connection_with_notice() -> None:
    with Origin(max_requests=2) as origin, Raw(origin.port) as raw:
        assert raw.answer()[1]["keep-alive"] == "timeout=5, max=2"
        assert raw.answer()[1]["connection"] == "close"
        assert raw.end() == "fin"


def test_refuse_and_return_on_the_same_port(origin: Origin) -> None:
    port = origin.port
    origin.set(listen="none")
    assert origin.addresses == []
    with pytest.raises(ConnectionRefusedError):
        Raw(port)
    origin.set(listen="both")
    assert origin.addresses == [f"127.0.0.1:{port}", f"[::1]:{port}"]
    for host in ("127.0.0.1", "::1"):
        with Raw(port, host) as raw:
            assert raw.answer()[0] == 200
    origin.set(listen="ipv6")
    with pytest.raises(ConnectionRefusedError):
        Raw(port)


def test_open_connections_outlive_the_listener(origin: Origin) -> None:
    with Raw(origin.port) as raw:
        raw.answer()
        origin.set(listen="none")
        assert raw.answer()[0] == 200


def test_reset_brings_back_the_start(origin: Origin) -> None:
    origin.set(status=503, faults=[Fault("fin", path="/x")], listen="none")
    origin.reset()
    with Raw(origin.port) as raw:
        assert raw.answer()[0] == 200
    assert origin.stats().requests == 1


def test_a_port_in_use_is_an_error(origin: Origin) -> None:
    with pytest.raises(OSError, match="in use"), Origin(port=origin.port):
        pass


def test_a_killed_origin_refuses_and_comes_back_on_its_port() -> None:
    with OriginProcess(body=5, faults=[Fault("rst", path="/x")]) as origin:
        with Raw(origin.port) as raw:
            assert raw.answer()[2] == b'!"#$%'
            origin.kill()
            assert raw.end() in ("fin", "rst")
        with pytest.raises(ConnectionRefusedError):
            Raw(origin.port)
        origin.restart()
        with Raw(origin.port) as raw:
            assert raw.answer()[2] == b'!"#$%'
            assert raw.send(GET.replace(b" / ", b" /x ")).end() == "rst"
        stats = origin.stats()
        assert (stats.requests, stats.faults) == (2, 1)
        assert [d.path for d in stats.deliveries] == ["/", "/x"]


def test_it_ends_without_a_word_though_a_client_is_connected() -> None:
    command = [sys.executable, "-m", "surehop.lab.origins", "--listen", "ipv4"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        port = json.loads(process.stdout.readline())["port"]
        with socket.create_connection(("127.0.0.1", port), 10) as client:
            client.sendall(b"GET / HTTP/1.1\r\nHost: o\r\n\r\n")
            assert client.recv(100).startswith(b"HTTP/1.1 200 OK\r\n")
            process.terminate()
            _, said = process.communicate(timeout=10)
    assert (process.returncode, said) == (0, b"")


def test_it_may_end_while_clients_come() -> None:
    for _ in range(20):
        with Origin() as origin, ExitStack() as stack:
            for _ in range(20):
                sock = stack.enter_context(socket.socket())
                sock.setblocking(False)
                sock.connect_ex(("127.0.0.1", origin.port))
    gc.collect()  # a socket that nobody closed would warn
