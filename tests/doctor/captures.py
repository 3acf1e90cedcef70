"""Captures made of text: a line names the two ends of a connection, the next ones what they send.

    192.0.2.1:40000 > 192.0.2.9:80
    0.001 > GET /x
    0.005 < 200

What is sent is `SYN`, `SYN-ACK`, `ACK`, `FIN`, `RST`, a method and its target, or a status; `open`
is the whole handshake. Numbers and acknowledgements are kept as TCP does. More words say otherwise:
`unseen` does not acknowledge what came last, `again` will be sent once more, `half` leaves out the
rest of a body of 1000 bytes.
"""

import ipaddress
import struct
from collections.abc import Iterator
from dataclasses import dataclass

_FLAGS = {"SYN": 2, "SYN-ACK": 18, "ACK": 16, "FIN": 17, "RST": 20}
_OPEN = (("SYN", ">"), ("SYN-ACK", "<"), ("ACK", ">"))
_DATA = 24
_RAW = 101  # the link type of packets that begin with their IP header


@dataclass(slots=True)
class _End:
    address: str
    sequence: int = 1000
    acknowledged: int = 0


def capture(text: str) -> bytes:
    """Write a pcap file of microseconds, in the order of time."""
    file = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, _RAW)
    for at, packet in sorted(_packets(text), key=lambda each: each[0]):
        micros = round(at * 1e6)
        file += struct.pack("<4I", *divmod(micros, 10**6), len(packet), len(packet)) + packet
    return file


def _packets(text: str) -> Iterator[tuple[float, bytes]]:
    ends = {">": _End(""), "<": _End("")}
    for line in text.strip().splitlines():
        first, way, *words = line.split()
        if len(words) == 1 and ":" in words[0]:
            ends = {">": _End(first), "<": _End(words[0])}
            continue
        steps = _OPEN if words == ["open"] else ((" ".join(words), way),)
        for step, whence in steps:
            here, there = (ends[each] for each in (whence, "<" if whence == ">" else ">"))
            yield float(first), _sent(here, there, step.split())


def _sent(here: _End, there: _End, words: list[str]) -> bytes:
    flags, data = _FLAGS.get(words[0], _DATA), b""
    if words[0] not in _FLAGS:
        data = _message(*words)
    if "unseen" not in words:
        here.acknowledged = there.sequence
    packet = _packet(here, there.address, flags, data)
    if "again" not in words:
        here.sequence += len(data) + (flags & 3 != 0)
    return packet


def _message(first: str, *rest: str) -> bytes:
    half = "half" in rest
    framing, body = "\r\nContent-Length: 1000" if half else "\r\nContent-Length: 2", "ok"
    if first.isdigit():
        head = f"HTTP/1.1 {first} -"
    else:
        head = f"{first} {rest[0]} HTTP/1.1\r\nHost: h"
        framing, body = (framing, body) if first == "POST" else ("", "")
    return f"{head}{framing}\r\n\r\n{body}".encode()


def _packet(here: _End, target: str, flags: int, data: bytes) -> bytes:
    both = [each.rsplit(":", 1) for each in (here.address, target)]
    packed = b"".join(ipaddress.ip_address(host.strip("[]")).packed for host, _ in both)
    ports = (int(port) for _, port in both)
    tcp = struct.pack("!HHII", *ports, here.sequence, here.acknowledged)
    tcp += struct.pack("!BBHHH", 5 << 4, flags, 1024, 0, 0) + data
    if "[" in target:
        return struct.pack("!IHBB", 6 << 28, len(tcp), 6, 64) + packed + tcp
    size = 20 + len(tcp)
    return struct.pack("!BBHHHBBH", 0x45, 0, size, 1, 0x4000, 64, 6, 0) + packed + tcp
