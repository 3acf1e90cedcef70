"""The process of a run in a namespace of its own: `-m surehop.lab.scenarios.inside SCENARIO`.

It reads what is asked for, and writes how far it is and the report, pickled.
"""

import fcntl
import pickle
import signal
import socket
import struct
import sys
from dataclasses import replace

from surehop.lab.scenarios import SCENARIOS
from surehop.lab.scenarios.running import Asked, UnknownSubjectError, perform_here

_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1  # SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP


class _Telling:
    """A bar that the process outside draws."""

    def begin(self, what: str, steps: float) -> None:
        _tell("begin", what, steps)

    def step(self, steps: float = 1) -> None:
        _tell("step", steps)


def _tell(*what: object) -> None:
    sys.stdout.buffer.write(pickle.dumps(what))
    sys.stdout.buffer.flush()


def bring_loopback_up() -> None:
    """A new namespace has it, but not up."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        asked = struct.pack("16sH14x", b"lo", 0)
        (flags,) = struct.unpack("16xH14x", fcntl.ioctl(sock, _GET_FLAGS, asked))
        fcntl.ioctl(sock, _SET_FLAGS, struct.pack("16sH14x", b"lo", flags | _UP))


def main() -> None:
    # A process group of its own may have been started with it ignored.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    asked: Asked = pickle.load(sys.stdin.buffer)  # noqa: S301  from the process outside
    bring_loopback_up()
    try:
        report = perform_here(SCENARIOS[sys.argv[1]], replace(asked, bar=_Telling()))
    except UnknownSubjectError as error:
        _tell("error", error)
    else:
        _tell("report", report)


if __name__ == "__main__":
    main()
