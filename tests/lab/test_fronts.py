"""Real proxies as subjects: HAProxy is configured and read, resolvers are asked."""

import socket
import struct

import pytest

from missing import missing
from surehop.lab.programs import Found
from surehop.lab.report.data import Report
from surehop.lab.scenarios import SCENARIOS, as_haproxy, as_nginx
from surehop.lab.scenarios.fronts import find_fronts
from surehop.lab.scenarios.responder import Responder, answered
from surehop.lab.scenarios.running import Asked, perform
from surehop.lab.scenarios.upstream import Upstream


def run(name: str, *subjects: str) -> Report:
    fronts = find_fronts()
    for subject in subjects:
        found = fronts[subject]
        if isinstance(found, Found):
            missing(f"{found.name} ({found.add})")
    return perform(SCENARIOS[name], Asked(subjects, 0.05))


def statuses(report: Report, subject: str) -> set[int]:
    return {one["status"] for one in report.requests if one["subject"] == subject}


@pytest.mark.peers
def test_haproxy_finds_a_dead_backend_by_checks() -> None:
    report = run("dead-backend", "haproxy")
    assert statuses(report, "haproxy") == {200}
    log = [row for table in report.tables for row in table.rows if "DOWN" in " ".join(row)]
    (row,) = log
    assert row[4].startswith("Server app/s1 is DOWN")
    assert row[5].startswith("127.0.0.1:")


@pytest.mark.peers
def test_haproxy_hands_a_race_on_to_the_client() -> None:
    report = run("two-stale-connections", "haproxy", "surehop-proxy")
    assert statuses(report, "haproxy") == {0, 200}
    assert statuses(report, "surehop-proxy") == {200}
    lost = [one for one in report.requests if one["status"] != 200]
    assert len(lost) == 2, "each backend closes on one"


@pytest.mark.peers
def test_who_asks_a_resolver_notices_before_the_old_server_goes() -> None:
    report = run("dns-flip", "nginx-resolve", "haproxy-resolve")
    for subject in ("nginx-resolve", "haproxy-resolve"):
        assert {200, 201} <= statuses(report, subject)


def test_an_upstream_is_told_alike() -> None:
    upstream = Upstream(("a:1", "b:2"), 3, 0.5)
    text = as_nginx.written(upstream)
    assert "server a:1 fail_timeout=3s;" in text
    assert "proxy_read_timeout 500ms;" in text
    assert "resolve" not in text
    text = as_haproxy.written(upstream)
    assert "server s1 b:2\n" in text
    assert "timeout server 500ms" in text
    assert "resolvers" not in text


def asked(name: bytes, kind: int) -> bytes:
    labels = b"".join(bytes([len(one)]) + one for one in name.split(b"."))
    head = struct.pack("!HHHHHH", 7, 0x0100, 1, 0, 0, 0)
    return head + labels + b"\0" + struct.pack("!HH", kind, 1)


def test_the_responder_answers_with_what_it_has_now() -> None:
    with (
        Responder("127.0.0.2") as responder,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock,
    ):
        sock.settimeout(10)
        for address in ("127.0.0.2", "127.0.0.3"):
            responder.address = address
            sock.sendto(asked(b"flip.test", 1), ("127.0.0.1", responder.port))
            answer = sock.recv(512)
            assert answer[:2] == b"\0\x07"
            assert answer.endswith(socket.inet_aton(address))
        sock.sendto(b"nonsense", ("127.0.0.1", responder.port))
        sock.sendto(asked(b"flip.test", 28), ("127.0.0.1", responder.port))
        answer = sock.recv(512)
        assert struct.unpack("!HH", answer[4:8]) == (1, 0), "no IPv6"


@pytest.mark.parametrize("query", [b"", b"\0" * 12, b"x" * 40, asked(b"a", 1)[:-1]])
def test_what_is_no_query_gets_no_answer(query: bytes) -> None:
    assert answered(query, "127.0.0.1") == b""
