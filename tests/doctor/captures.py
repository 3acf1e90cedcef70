"""Captures made of text, a line a segment: `0.5 192.0.2.1:40000 > 192.0.2.9:80 GET /x`.

Behind the two ends stands what is sent: `SYN`, `SYN-ACK`, `ACK`, `FIN`, `RST`, a method and its
target, or a status. Numbers and acknowledgements are kept as TCP does. More words say otherwise:
`unseen` does not acknowledge what came last, `again` will be sent once more, `half` leaves out the
rest of a body of 1000 bytes.
"""

import ipaddress
import struct
from dataclasses import dataclass

_FLAGS = {"SYN": 2, "SYN-ACK": 18, "ACK": 16, "FIN": 17, "RST": 20}
_DATA = 24
_RAW = 101  # the link type of packets that begin with their IP header


@dataclass(slots=True)
class _End:
    sequence: int = 1000
    acknowledged: int = 0


def capture(text: str) -> bytes:
    """Write a pcap file of microseconds."""
    ends: dict[tuple[str, str], _End] = {}
    file = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, _RAW)
    for line in text.strip().splitlines():
        at, source, _, target, *words = line.split()
        here = ends.setdefault((source, target), _End())
        there = ends.setdefault((target, source), _End())
        flags, data = _sent(words)
        if "unseen" not in words:
            here.acknowledged = there.sequence
        packet = _packet(source, target, here, flags, data)
        if "again" not in words:
            here.sequence += len(data) + (flags & 3 != 0)
        micros = round(float(at) * 1e6)
        file += struct.pack("<4I", *divmod(micros, 10**6), len(packet), len(packet)) + packet
    return file


def _sent(words: list[str]) -> tuple[int, bytes]:
    first, *rest = words
    if first in _FLAGS:
        return _FLAGS[first], b""
    length, body = (1000, "half") if "half" in rest else (2, "ok")
    if first.isdigit():
        head = f"HTTP/1.1 {first} -\r\nContent-Length: {length}"
    elif "half" in rest or first == "POST":
        head = f"{first} {rest[0]} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}"
    else:
        head, body = f"{first} {rest[0]} HTTP/1.1\r\nHost: h", ""
    return _DATA, f"{head}\r\n\r\n{body}".encode()


def _packet(source: str, target: str, end: _End, flags: int, data: bytes) -> bytes:
    hosts, ports = zip(*(each.rsplit(":", 1) for each in (source, target)), strict=True)
    packed = b"".join(ipaddress.ip_address(host.strip("[]")).packed for host in hosts)
    tcp = struct.pack("!HHII", *map(int, ports), end.sequence, end.acknowledged)
    tcp += struct.pack("!BBHHH", 5 << 4, flags, 1024, 0, 0) + data
    if "[" in source:
        return struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + packed + tcp
    size = 20 + len(tcp)
    return struct.pack("!BBHHHBBH", 0x45, 0, size, 1, 0x4000, 64, 6, 0) + packed + tcp
