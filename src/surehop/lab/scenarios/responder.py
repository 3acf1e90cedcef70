"""A DNS server for one name, whose address can be changed: for programs that take a resolver."""

import socket
import struct
import threading
from types import TracebackType
from typing import Self

_LARGEST = 1500
_LOOKS = 0.2  # seconds
_A = struct.pack("!HH", 1, 1)  # its type and its class
_ANSWER = 0x8580  # a response, authoritative, without an error
_POINTER = 0xC00C  # to the name that was asked for
_TTL = 1


class Responder:
    """Answers every name with one IPv4 address, until the block ends; no name has an IPv6 one."""

    def __init__(self, address: str) -> None:
        self.address = address
        self._stop = threading.Event()

    def __enter__(self) -> Self:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(_LOOKS)
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stop.set()
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                query, client = self._socket.recvfrom(_LARGEST)
            except OSError:  # nobody asked, or who asked has gone
                continue
            if answer := answered(query, self.address):
                self._socket.sendto(answer, client)


def answered(query: bytes, address: str) -> bytes:
    """The answer to a query; nothing to what is none."""
    name_ends = query.find(b"\0", 12)
    question = query[12 : name_ends + 5]
    if name_ends < 0 or len(question) != name_ends - 7:
        return b""
    record = b""
    if question.endswith(_A):
        record = struct.pack("!H", _POINTER) + _A + struct.pack("!IH", _TTL, 4)
        record += socket.inet_aton(address)
    counts = struct.pack("!HHHH", 1, bool(record), 0, 0)
    return query[:2] + struct.pack("!H", _ANSWER) + counts + question + record
