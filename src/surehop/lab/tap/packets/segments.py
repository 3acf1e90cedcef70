"""TCP segments in captured packets, and the sequence diagram of one connection made of them."""

import socket
import struct
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from surehop.lab.tap.address import shown
from surehop.lab.tap.packets.pcapng import Packet
from surehop.lab.tap.record import Connection
from surehop.lab.tap.sequence import (
    CLIENT,
    TAP,
    UPSTREAM,
    Arrow,
    Diagram,
    Kind,
    actors,
    with_pauses,
)

FIN, SYN, RST, ACK = 1, 2, 4, 16
_IPV4 = 4
_TCP = 6
_TCP_HEAD = struct.Struct("!HHIIBB")
_NANOSECONDS = 1e9
_WORDS = 40


@dataclass(frozen=True, slots=True)
class Segment:
    """`at`: ns since 1970. `source`, `target` as `127.0.0.1:80`. `flags` as in the header."""

    at: int
    source: str
    target: str
    flags: int
    sequence: int
    acknowledged: int
    payload: bytes

    @property
    def opens(self) -> bool:
        """Whether it asks for a connection."""
        return self.flags & (SYN | ACK) == SYN

    @property
    def telling(self) -> bool:
        """Whether it does more than acknowledge."""
        return bool(self.payload or self.flags & (SYN | FIN | RST))

    @property
    def kind(self) -> Kind:
        if self.flags & RST:
            return Kind.RST
        if self.flags & FIN:
            return Kind.FIN
        return Kind.DATA if self.payload else Kind.PLAIN

    @property
    def words(self) -> str:
        """What a diagram says of it: flags, the first line of a head, how many bytes."""
        names = [(SYN, "SYN"), (FIN, "FIN"), (RST, "RST")]
        words = [name for flag, name in names if self.flags & flag]
        if self.flags & SYN and self.flags & ACK:
            words.append("ACK")
        if self.payload:
            line = self.payload.split(b"\r\n", 1)[0][:_WORDS]
            text = line.decode("ascii", "replace")
            if text.isprintable() and b"HTTP/1." in line:
                words.append(text.removesuffix(" HTTP/1.1").removeprefix("HTTP/1.1 "))
            words.append(f"({len(self.payload)} bytes)")
        return " ".join(words)


def segments(packets: Iterable[Packet]) -> Iterator[Segment]:
    """Whatever is no TCP, or too short to tell, is left out."""
    for packet in packets:
        try:
            found = _addresses(packet.data)
            if found is None:
                continue
            source_host, target_host, header, whole = found
            source, target, sequence, acknowledged, offset, flags = _TCP_HEAD.unpack_from(
                packet.data, header
            )
        except (IndexError, ValueError, struct.error):
            continue
        yield Segment(
            packet.at,
            shown(source_host, source),
            shown(target_host, target),
            flags,
            sequence,
            acknowledged,
            packet.data[header + (offset >> 4) * 4 : whole],
        )


def _addresses(data: bytes) -> tuple[str, str, int, int] | None:
    """Whence, whither, and where TCP begins and ends; None if it is another protocol."""
    if data[0] >> 4 == _IPV4:
        if data[9] != _TCP:
            return None
        # A packet that a network card would have cut up may say no length.
        size = int.from_bytes(data[2:4], "big") or len(data)
        return _name(data[12:16]), _name(data[16:20]), (data[0] & 15) * 4, size
    if data[6] != _TCP:
        return None
    size = int.from_bytes(data[4:6], "big")
    return _name(data[8:24]), _name(data[24:40]), 40, 40 + size if size else len(data)


def _name(packed: bytes) -> str:
    family = socket.AF_INET if len(packed) == 4 else socket.AF_INET6  # noqa: PLR2004
    return socket.inet_ntop(family, packed)


def of_segments(
    record: Connection,
    found: Iterable[Segment],
    started: int,
    reasons: Mapping[tuple[str, str], str] | None = None,
    most: int = 60,
) -> Diagram:
    """`started`: ns since 1970 when the tap took the connection. `reasons` of resets, by ends."""
    lanes = {
        (record.client, record.client_local): (CLIENT, TAP),
        (record.client_local, record.client): (TAP, CLIENT),
        (record.local, record.upstream): (TAP, UPSTREAM),
        (record.upstream, record.local): (UPSTREAM, TAP),
    }
    arrows = []
    for segment in found:
        lane = lanes.get((segment.source, segment.target))
        if lane is None or not segment.telling:
            continue
        told = segment.words
        if segment.flags & RST and reasons:
            told = " ".join(filter(None, [told, reasons.get((segment.source, segment.target))]))
        at = (segment.at - started) / _NANOSECONDS
        arrows.append(Arrow(at, *lane, told, segment.kind))
    arrows.sort(key=lambda arrow: arrow.at)
    return Diagram(
        f"connection #{record.number}: packets",
        actors(record),
        with_pauses(arrows, most),
        "segments that only acknowledge are left out",
    )
