"""Reasons of resets and the kernel's counters, as text; the real ones are in tests/peers."""

from pathlib import Path

import pytest

from surehop.lab.tap.counters import Change, changes, counters
from surehop.lab.tap.reasons import NoReasonsError, Reasons, Reset, read_line

SENT = (
    b"          python-9314    [001] b.s31  6214.986284: tcp_send_reset: skbaddr=00000000a "
    b"skaddr=00000000b src=127.0.0.1:34305 dest=127.0.0.1:60366 state=TCP_CLOSE"
    b" reason=TCP_ABORT_ON_DATA"
)
RECEIVED = (
    b"          <idle>-0       [001] ..s1.  6214.986291: tcp_receive_reset: family=AF_INET6"
    b" sport=60366 dport=34305 saddr=0.0.0.0 daddr=0.0.0.0 saddrv6=::1 daddrv6=::1 sock_cookie=1"
)


def test_a_reset_that_was_sent() -> None:
    assert read_line(SENT) == Reset(
        6214.986284, "127.0.0.1:34305", "127.0.0.1:60366", "TCP_CLOSE", "TCP_ABORT_ON_DATA"
    )


def test_an_older_kernel_gives_no_reason() -> None:
    reset = read_line(SENT.partition(b" reason")[0])
    assert reset
    assert reset.reason == ""


def test_a_reset_that_came() -> None:
    assert read_line(RECEIVED) == Reset(6214.986291, "[::1]:34305", "[::1]:60366", received=True)


@pytest.mark.parametrize("line", [b"", b"# tracer: nop", b"CPU:1 [LOST 3 EVENTS]"])
def test_other_lines(line: bytes) -> None:
    assert read_line(line) is None


def test_no_tracefs(tmp_path: Path) -> None:
    with pytest.raises(NoReasonsError, match="tracefs") as found:
        Reasons(frozenset({1}), (tmp_path,))
    assert found.value.hint


def test_no_tracepoint(tmp_path: Path) -> None:
    (tmp_path / "instances").mkdir()
    with pytest.raises(NoReasonsError, match="no tracepoint tcp:tcp_send_reset"):
        Reasons(frozenset({1}), (tmp_path,))


def test_counters_are_those_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "netstat").write_text(
        "TcpExt: SyncookiesSent TCPAbortOnData ListenOverflows\nTcpExt: 1 2 3\n"
        "IpExt: InNoRoutes\nIpExt: 4\n"
    )
    (tmp_path / "snmp").write_text("Tcp: RtoMin OutRsts\nTcp: 200 9\n")
    assert counters(tmp_path) == {"TCPAbortOnData": 2, "ListenOverflows": 3, "OutRsts": 9}
    assert {"TCPAbortOnData", "ListenOverflows", "OutRsts"} <= counters().keys()
    assert counters(tmp_path / "none") == {}


def test_only_changes_are_told() -> None:
    before = {"OutRsts": 9, "TCPAbortOnData": 2, "ListenDrops": 0}
    after = {"OutRsts": 10, "TCPAbortOnData": 2, "ListenDrops": 5}
    assert [(c.name, c.before, c.after) for c in changes(before, after)] == [
        ("ListenDrops", 0, 5),
        ("OutRsts", 9, 10),
    ]
    assert all(isinstance(c, Change) and c.meaning for c in changes(before, after))
