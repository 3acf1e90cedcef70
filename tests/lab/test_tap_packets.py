"""The filter in the kernel, the file's form, and segments: all without privileges."""

import io
import socket
import struct
from collections.abc import Iterator

import pytest
from hypothesis import given, strategies as st

from surehop.lab.tap import Connection
from surehop.lab.tap.packets import Endpoint, Packet, of_segments, read, segments
from surehop.lab.tap.packets.bpf import attach, capture_filter
from surehop.lab.tap.packets.pcapng import Writer
from surehop.lab.tap.packets.segments import ACK, FIN, RST, SYN
from surehop.lab.tap.sequence import Arrow, Kind

V4, V6 = ("127.0.0.1", "192.0.2.9"), ("::1", "2001:db8::9")


def tcp(
    source: tuple[str, int],
    target: tuple[str, int],
    flags: int = ACK,
    payload: bytes = b"",
    *,
    protocol: int = 6,
    fragment: int = 0,
    options: bytes = b"",
) -> bytes:
    head = struct.pack("!HHIIBBHHH", source[1], target[1], 1, 2, 5 << 4, flags, 1024, 0, 0)
    body = head + payload
    if ":" in source[0]:
        ends = b"".join(socket.inet_pton(socket.AF_INET6, host) for host, _ in (source, target))
        return struct.pack("!IHBB", 6 << 28, len(body), protocol, 64) + ends + body
    size = 20 + len(options) + len(body)
    first = 0x40 | (5 + len(options) // 4)
    fixed = struct.pack("!BBHHHBBH", first, 0, size, 1, fragment, 64, protocol, 0)
    ends = b"".join(socket.inet_aton(host) for host, _ in (source, target))
    return fixed + ends + options + body


class Kernel:
    """A filter at work: a datagram socket pair shows what it lets through."""

    def __init__(self, *endpoints: Endpoint) -> None:
        self._in, self._out = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._out.setblocking(False)
        attach(self._out, capture_filter(endpoints))

    def lets(self, packet: bytes) -> bool:
        try:
            self._in.send(packet)
            return self._out.recv(65536) == packet
        except (BlockingIOError, PermissionError):
            return False

    def close(self) -> None:
        self._in.close()
        self._out.close()


@pytest.fixture
def kernel() -> Iterator[Kernel]:
    running = Kernel(Endpoint(8000), Endpoint(3000, V4[0]), Endpoint(3000, V6[0]))
    yield running
    running.close()


@pytest.mark.parametrize("hosts", [V4, V6])
def test_what_the_filter_keeps(kernel: Kernel, hosts: tuple[str, str]) -> None:
    ours, other = hosts
    assert kernel.lets(tcp((other, 5), (other, 8000)))
    assert kernel.lets(tcp((other, 8000), (other, 5)))
    assert kernel.lets(tcp((ours, 3000), (other, 5)))
    assert kernel.lets(tcp((other, 5), (ours, 3000), RST))


@pytest.mark.parametrize("hosts", [V4, V6])
def test_what_the_filter_drops(kernel: Kernel, hosts: tuple[str, str]) -> None:
    ours, other = hosts
    assert not kernel.lets(tcp((other, 5), (other, 3000)))
    assert not kernel.lets(tcp((ours, 5), (other, 3000)))
    assert not kernel.lets(tcp((other, 3000), (ours, 5)))
    assert not kernel.lets(tcp((ours, 5), (ours, 6)))
    assert not kernel.lets(tcp((ours, 5), (ours, 8000), protocol=17))


def test_ipv4_options_and_fragments(kernel: Kernel) -> None:
    ends = ((V4[1], 5), (V4[1], 8000))
    assert kernel.lets(tcp(*ends, options=b"\x01" * 12))
    assert kernel.lets(tcp(*ends, fragment=0x2000))
    assert not kernel.lets(tcp(*ends, fragment=0x0001))


@pytest.mark.parametrize("packet", [b"", b"\x45", b"\x50" * 60, b"\x60" + b"\0" * 20])
def test_what_is_no_packet_is_dropped(kernel: Kernel, packet: bytes) -> None:
    assert not kernel.lets(packet)


def test_as_many_addresses_as_are_ever_asked_for() -> None:
    ends = [Endpoint(8000)] + [Endpoint(443, f"2001:db8::{n}") for n in range(1, 5)]
    kernel = Kernel(*ends)
    assert kernel.lets(tcp(("::1", 5), ("2001:db8::4", 443)))
    assert not kernel.lets(tcp(("::1", 5), ("2001:db8::5", 443)))
    kernel.close()


def written(*packets: Packet) -> bytes:
    file = io.BytesIO()
    writer = Writer(file, application="test", comment="a comment")
    for packet in packets:
        writer.packet(packet.at, packet.data, packet.size, 0x0800, 1, 772, packet.kind, b"\0" * 6)
    writer.statistics(1, received=len(packets), dropped=0)
    return file.getvalue()


@given(st.lists(st.tuples(st.integers(0, (1 << 63) - 1), st.binary(max_size=90)), max_size=5))
def test_what_is_written_is_read_again(rows: list[tuple[int, bytes]]) -> None:
    packets = [Packet(at, data, len(data) + 7, 1, 4) for at, data in rows]
    assert list(read(io.BytesIO(written(*packets)))) == packets


@pytest.mark.parametrize(
    "data", [b"\xd4\xc3\xb2\xa1" + b"\0" * 40, b"abc", written(Packet(1, b"x", 1))[:-70]]
)
def test_another_file_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"no pcapng|cut off"):
        list(read(io.BytesIO(data)))


def packet(at: int, data: bytes) -> Packet:
    return Packet(at, data, len(data))


def test_segments_of_both_families() -> None:
    found = list(
        segments(
            [
                packet(1, tcp((V4[0], 5), (V4[0], 80), SYN)),
                packet(2, tcp((V6[0], 5), (V6[0], 80), FIN | ACK, b"abc")),
                packet(3, tcp((V4[0], 5), (V4[0], 80), protocol=17)),
                packet(4, b"\x45"),
                packet(5, b""),
            ]
        )
    )
    assert [(s.source, s.target, s.flags, s.payload) for s in found] == [
        ("127.0.0.1:5", "127.0.0.1:80", SYN, b""),
        ("[::1]:5", "[::1]:80", FIN | ACK, b"abc"),
    ]


def test_the_packets_of_one_connection() -> None:
    record = Connection(1, "127.0.0.1:5", 0.0, "127.0.0.1:80", "127.0.0.1:6", "127.0.0.1:8000")
    host = V4[0]
    found = segments(
        [
            packet(10_000_000, tcp((host, 5), (host, 8000), SYN)),
            packet(11_000_000, tcp((host, 5), (host, 8000), ACK)),
            packet(12_000_000, tcp((host, 6), (host, 80), ACK, b"GET / HTTP/1.1\r\n\r\n")),
            packet(13_000_000, tcp((host, 99), (host, 80), RST)),
            packet(14_000_000, tcp((host, 80), (host, 6), RST)),
        ]
    )
    reasons = {("127.0.0.1:80", "127.0.0.1:6"): "TCP_ABORT_ON_DATA"}
    diagram = of_segments(record, found, 10_000_000, reasons)
    assert diagram.steps == [
        Arrow(0.0, 0, 1, "SYN"),
        Arrow(0.002, 1, 2, "GET / (18 bytes)", Kind.DATA),
        Arrow(0.004, 2, 1, "RST TCP_ABORT_ON_DATA", Kind.RST),
    ]
