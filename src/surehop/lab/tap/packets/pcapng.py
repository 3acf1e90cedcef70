"""Writes and reads pcapng as far as a tap needs it: one section, one interface, nanoseconds."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

COOKED = 276  # LINKTYPE_LINUX_SLL2: packets of any interface
SNAPLEN = 262_144
_SECTION, _INTERFACE, _PACKET, _STATISTICS = 0x0A0D0D0A, 1, 6, 5
_MAGIC = 0x1A2B3C4D
_COMMENT, _HARDWARE, _SYSTEM, _APPLICATION = 1, 2, 3, 4
_NAME, _RESOLUTION = 2, 9
_RECEIVED, _DROPPED = 4, 5
_NANOSECONDS = 9
_COOKED = struct.Struct("!HHIHBB8s")
_HEAD = struct.Struct("<IIIIIII")


@dataclass(frozen=True, slots=True)
class Packet:
    """`at`: ns since 1970. `data` begins with the IP header. `kind`: the kernel's packet type."""

    at: int
    data: bytes
    size: int
    interface: int = 0
    kind: int = 0


class Writer:
    """Writes the head at once; `packet` for each, `statistics` at the end."""

    def __init__(self, file: BinaryIO, *, application: str, comment: str = "") -> None:
        self._file = file
        options = _option(_APPLICATION, application.encode())
        if comment:
            options += _option(_COMMENT, comment.encode())
        file.write(_block(_SECTION, struct.pack("<IHHq", _MAGIC, 1, 0, -1), options))
        named = _option(_NAME, b"any") + _option(_RESOLUTION, bytes([_NANOSECONDS]))
        file.write(_block(_INTERFACE, struct.pack("<HHI", COOKED, 0, SNAPLEN), named))

    def packet(  # noqa: PLR0917  one for each field of the kernel's, many times a second
        self,
        at: int,
        data: bytes,
        size: int,
        protocol: int,
        interface: int,
        hardware: int,
        kind: int,
        address: bytes,
    ) -> None:
        """`at` in ns; `size` is what was on the wire, `data` what of it was kept."""
        head = _COOKED.pack(protocol, 0, interface, hardware, kind, min(len(address), 8), address)
        kept = len(head) + len(data)
        padding = -kept % 4
        whole = 32 + kept + padding
        self._file.write(
            _HEAD.pack(_PACKET, whole, 0, at >> 32, at & 0xFFFFFFFF, kept, len(head) + size)
            + head
            + data
            + b"\0" * padding
            + whole.to_bytes(4, "little")
        )

    def statistics(self, at: int, *, received: int, dropped: int) -> None:
        options = _option(_RECEIVED, struct.pack("<Q", received))
        options += _option(_DROPPED, struct.pack("<Q", dropped))
        body = struct.pack("<III", 0, at >> 32, at & 0xFFFFFFFF)
        self._file.write(_block(_STATISTICS, body, options))


def read(file: BinaryIO) -> Iterator[Packet]:
    """The packets of a file that `Writer` wrote. ValueError for another, or one that is cut off."""
    first = True
    while head := file.read(8):
        if len(head) < 8:  # noqa: PLR2004
            raise ValueError("the file is cut off")
        kind, whole = struct.unpack("<II", head)
        body = file.read(whole - 8)
        if len(body) < whole - 8 or whole < 12:  # noqa: PLR2004
            raise ValueError("the file is cut off")
        if first and (kind != _SECTION or body[:4] != struct.pack("<I", _MAGIC)):
            raise ValueError("this is no pcapng of a tap's")
        first = False
        if kind == _INTERFACE and struct.unpack_from("<H", body)[0] != COOKED:
            raise ValueError("this is no pcapng of a tap's")
        if kind == _PACKET:
            yield _packet(body)


def _packet(body: bytes) -> Packet:
    _, high, low, kept, size = struct.unpack_from("<IIIII", body)
    cooked = body[20 : 20 + kept]
    _, _, interface, _, kind, _, _ = _COOKED.unpack_from(cooked)
    data = cooked[_COOKED.size :]
    return Packet((high << 32) | low, data, size - _COOKED.size, interface, kind)


def _block(kind: int, body: bytes, options: bytes) -> bytes:
    inner = body + options + struct.pack("<HH", 0, 0)
    whole = struct.pack("<I", 12 + len(inner))
    return struct.pack("<I", kind) + whole + inner + whole


def _option(code: int, value: bytes) -> bytes:
    return struct.pack("<HH", code, len(value)) + value + b"\0" * (-len(value) % 4)
