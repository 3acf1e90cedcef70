"""AF_PACKET with a ring that the kernel fills: TPACKET_V3, every interface, headers cut off."""

import mmap
import select
import socket
import struct
from collections.abc import Iterator

from surehop.lab.tap.packets.bpf import attach

_SOL_PACKET = 263
_RX_RING, _STATISTICS, _VERSION = 5, 6, 10
_V3 = 2
_ALL_PROTOCOLS = 0x0003
_BLOCK = 1 << 20
_BLOCKS = 64
_FRAME = 2048
_RETIRE = 20  # ms until the kernel hands over a block that is not full
_USER = 1
_BLOCK_HEAD = struct.Struct("=8xIII")  # status, packets, offset of the first
# Of a packet: next, seconds, nanoseconds, kept, size, status, where; then its sockaddr_ll.
_HEAD = struct.Struct("=IIIIIIHH20xHHiHBB8s")

# ns since 1970, data, size, protocol, interface, hardware, kind, address
Row = tuple[int, bytes, int, int, int, int, int, bytes]


class Ring:
    """Packets that a filter lets through. PermissionError without CAP_NET_RAW."""

    def __init__(self, program: bytes) -> None:
        # What comes before the filter stands goes into the ordinary queue, which nobody reads.
        protocols = socket.htons(_ALL_PROTOCOLS)
        self._sock = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, protocols)
        try:
            attach(self._sock, program)
            self._sock.setsockopt(_SOL_PACKET, _VERSION, _V3)
            frames = _BLOCKS * _BLOCK // _FRAME
            asked = struct.pack("=7I", _BLOCK, _BLOCKS, _FRAME, frames, _RETIRE, 0, 0)
            self._sock.setsockopt(_SOL_PACKET, _RX_RING, asked)
            self._memory = mmap.mmap(self._sock.fileno(), _BLOCK * _BLOCKS, mmap.MAP_SHARED)
            self._ask()
        except OSError:
            self._sock.close()
            raise
        self._poll = select.poll()
        self._poll.register(self._sock, select.POLLIN | select.POLLERR)
        self._at = 0
        self._seen = [0, 0]

    def fileno(self) -> int:
        return self._sock.fileno()

    def rows(self) -> Iterator[Row]:
        """What is there now."""
        while True:
            base = self._at * _BLOCK
            status, packets, offset = _BLOCK_HEAD.unpack_from(self._memory, base)
            if not status & _USER:
                return
            at = base + offset
            for _ in range(packets):
                (
                    following,
                    seconds,
                    nanoseconds,
                    kept,
                    size,
                    _,
                    begin,
                    _,
                    _,
                    protocol,
                    interface,
                    hardware,
                    kind,
                    length,
                    address,
                ) = _HEAD.unpack_from(self._memory, at)
                yield (
                    seconds * 1_000_000_000 + nanoseconds,
                    self._memory[at + begin : at + begin + kept],
                    size,
                    socket.ntohs(protocol),
                    interface,
                    hardware,
                    kind,
                    address[:length],
                )
                at += following
            struct.pack_into("=I", self._memory, base + 8, 0)
            self._at = (self._at + 1) % _BLOCKS

    def wait(self, seconds: float) -> None:
        self._poll.poll(seconds * 1000)

    def statistics(self) -> tuple[int, int]:
        """Packets that passed the filter, and how many of them the ring had no room for."""
        packets, drops = self._ask()
        self._seen[0] += packets
        self._seen[1] += drops
        return self._seen[0], self._seen[1]

    def _ask(self) -> tuple[int, int]:
        """The kernel counts from zero after each question."""
        told = self._sock.getsockopt(_SOL_PACKET, _STATISTICS, 12)
        packets, drops, _ = struct.unpack("=3I", told)
        return packets, drops

    def close(self) -> None:
        self._memory.close()
        self._sock.close()
