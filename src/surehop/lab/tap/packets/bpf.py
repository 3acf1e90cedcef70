"""A kernel filter in classic BPF: TCP of certain ports, nothing twice."""

import ctypes
import socket
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

_SO_ATTACH_FILTER = 26
_ALL = 0x40000  # bytes of a packet that are kept

# Operations, as linux/bpf_common.h composes them.
_LOAD_WORD, _LOAD_HALF, _LOAD_BYTE = 0x20, 0x28, 0x30
_LOAD_HALF_X = 0x48
_INDEX_OF_IPV4_HEADER = 0xB1  # X = four times the low four bits of a byte
_JUMP, _JUMP_EQUAL, _JUMP_SET = 0x05, 0x15, 0x45
_AND, _RETURN = 0x54, 0x06
# What the kernel knows of a packet stands at these offsets.
_ANCILLARY = 0xFFFFF000
_PACKET_TYPE = _ANCILLARY + 4
_HARDWARE_TYPE = _ANCILLARY + 28
_OUTGOING = 4
_LOOPBACK = 772
_TCP = 6


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A port, at one address or (None) at any."""

    port: int
    host: str | None = None


@dataclass(slots=True)
class _Line:
    code: int
    value: int
    then: str = ""
    other: str = ""
    label: str = ""


def capture_filter(endpoints: Iterable[Endpoint]) -> bytes:
    """Instructions for packets that begin with their IP header, as AF_PACKET SOCK_DGRAM gives them.

    Of loopback's two copies of a packet the outgoing one is dropped. Fragments behind the first,
    which have no ports, are dropped too.
    """
    ends = list(dict.fromkeys(endpoints))
    lines = [
        _Line(_LOAD_WORD, _PACKET_TYPE),
        _Line(_JUMP_EQUAL, _OUTGOING, "outgoing", "version"),
        _Line(_LOAD_WORD, _HARDWARE_TYPE, label="outgoing"),
        _Line(_JUMP_EQUAL, _LOOPBACK, "drop", "version"),
        _Line(_LOAD_BYTE, 0, label="version"),
        _Line(_AND, 0xF0),
        _Line(_JUMP_EQUAL, 0x40, "ipv4", "maybe6"),
        _Line(_JUMP_EQUAL, 0x60, "ipv6", "drop", "maybe6"),
        _Line(_LOAD_BYTE, 9, label="ipv4"),
        _Line(_JUMP_EQUAL, _TCP, "whole", "drop"),
        _Line(_LOAD_HALF, 6, label="whole"),
        _Line(_JUMP_SET, 0x1FFF, "drop", "header"),
        _Line(_INDEX_OF_IPV4_HEADER, 0, label="header"),
    ]
    four = [(e.port, _words(socket.AF_INET, e.host)) for e in ends if _fits(e, ":", inside=False)]
    six = [(e.port, _words(socket.AF_INET6, e.host)) for e in ends if _fits(e, ":", inside=True)]
    lines += _ports("4", _LOAD_HALF_X, 0, (12, 16), four)
    lines += [
        _Line(_LOAD_BYTE, 6, label="ipv6"),
        _Line(_JUMP_EQUAL, _TCP, "first6", "drop"),
    ]
    lines += _ports("6", _LOAD_HALF, 40, (8, 24), six, label="first6")
    lines += [_Line(_RETURN, 0, label="drop"), _Line(_RETURN, _ALL, label="keep")]
    return _assembled(lines)


def attach(sock: socket.socket, program: bytes) -> None:
    """Have the kernel judge what reaches a socket."""
    memory = ctypes.create_string_buffer(program)
    sock.setsockopt(
        socket.SOL_SOCKET,
        _SO_ATTACH_FILTER,
        struct.pack("HL", len(program) // 8, ctypes.addressof(memory)),
    )


def _fits(endpoint: Endpoint, mark: str, *, inside: bool) -> bool:
    return endpoint.host is None or (mark in endpoint.host) == inside


def _words(family: int, host: str | None) -> tuple[int, ...]:
    if host is None:
        return ()
    packed = socket.inet_pton(family, host.partition("%")[0])
    return struct.unpack(f"!{len(packed) // 4}I", packed)


def _ports(
    name: str,
    load: int,
    header: int,
    addresses: tuple[int, int],
    ends: Sequence[tuple[int, tuple[int, ...]]],
    *,
    label: str = "",
) -> list[_Line]:
    """Keep what goes from or to one of the ends; anything else is dropped."""
    lines: list[_Line] = []
    first = label
    for place, (port_at, address_at) in enumerate(zip((0, 2), addresses, strict=True)):
        for number, (port, words) in enumerate(ends):
            after = f"next{name}-{place}-{number}"
            lines.append(_Line(load, header + port_at, label=first))
            lines.append(_Line(_JUMP_EQUAL, port, f"{after}-0", after))
            for index, word in enumerate(words):
                lines.append(_Line(_LOAD_WORD, address_at + 4 * index, label=f"{after}-{index}"))
                lines.append(_Line(_JUMP_EQUAL, word, f"{after}-{index + 1}", after))
            lines.append(_Line(_JUMP, 0, "keep", label=f"{after}-{len(words)}"))
            first = after
    lines.append(_Line(_RETURN, 0, label=first))
    return lines


def _assembled(lines: list[_Line]) -> bytes:
    """Labels become distances; a conditional jump reaches 255 lines, an unconditional one any."""
    places = {line.label: number for number, line in enumerate(lines) if line.label}
    program = b""
    for number, line in enumerate(lines):
        then = places[line.then] - number - 1 if line.then else 0
        other = places[line.other] - number - 1 if line.other else 0
        if line.code == _JUMP:
            program += struct.pack("HBBI", line.code, 0, 0, then)
        else:
            program += struct.pack("HBBI", line.code, then, other, line.value)
    return program
