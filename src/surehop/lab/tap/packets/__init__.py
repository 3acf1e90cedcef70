"""The real packets: captured by the kernel, written as pcapng, read again for diagrams."""

from surehop.lab.tap.packets.bpf import Endpoint
from surehop.lab.tap.packets.capture import Capture, Captured
from surehop.lab.tap.packets.pcapng import Packet, read
from surehop.lab.tap.packets.segments import Segment, of_segments, segments

__all__ = [
    "Capture",
    "Captured",
    "Endpoint",
    "Packet",
    "Segment",
    "of_segments",
    "read",
    "segments",
]
