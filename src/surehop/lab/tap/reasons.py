"""Why the kernel sent a RST: its tracepoints, read from a tracing instance of our own."""

import contextlib
import os
import re
from collections import Counter, deque
from dataclasses import dataclass
from pathlib import Path

from surehop.lab.tap.address import shown

_PLACES = (Path("/sys/kernel/tracing"), Path("/sys/kernel/debug/tracing"))
_EVENTS = ("tcp_send_reset", "tcp_receive_reset")
_KEPT = 10_000
_PIECE = 65536
_SENT = re.compile(
    rb" ([\d.]+): tcp_send_reset: .*? src=(\S+) dest=(\S+) state=(\S+)(?: reason=(\S+))?"
)
_RECEIVED = re.compile(
    rb" ([\d.]+): tcp_receive_reset: family=(\S+) sport=(\d+) dport=(\d+)"
    rb" saddr=(\S+) daddr=(\S+) saddrv6=(\S+) daddrv6=(\S+)"
)


class NoReasonsError(Exception):
    """The kernel's reasons can't be had; the text says why, `hint` what to do."""

    def __init__(self, why: str, hint: str) -> None:
        super().__init__(why)
        self.hint = hint


@dataclass(frozen=True, slots=True)
class Reset:
    """A RST from `source` to `target`, `at` in seconds of the monotonic clock.

    `reason` is the kernel's word, `state` that of the socket that sent it. `received`: seen where
    it arrived, of which the kernel gives no reason.
    """

    at: float
    source: str
    target: str
    state: str = ""
    reason: str = ""
    received: bool = False


class Reasons:
    """Reads the tracepoints from here to `close`. NoReasonsError where that is not possible.

    `ports`: only resets from or to one of them are kept.
    """

    def __init__(self, ports: frozenset[int], places: tuple[Path, ...] = _PLACES) -> None:
        self._ports = ports
        self._rest = b""
        self.resets: deque[Reset] = deque(maxlen=_KEPT)
        self.counts: Counter[tuple[str, str]] = Counter()
        root = _tracefs(places)
        # An instance has buffers and switches of its own: whoever else traces is not disturbed.
        self._folder = root / "instances" / f"surehop-tap-{os.getpid()}"
        try:
            self._folder.mkdir()
        except OSError as error:
            raise NoReasonsError(
                f"no tracing instance can be made: {error.strerror}", "run it as root"
            ) from error
        try:
            (self._folder / "trace_clock").write_text("mono")
            for event in _EVENTS:
                (self._folder / "events" / "tcp" / event / "enable").write_text("1")
            self._pipe = os.open(self._folder / "trace_pipe", os.O_RDONLY | os.O_NONBLOCK)
        except OSError as error:
            self._remove()
            raise NoReasonsError(
                f"the tracepoint can't be switched on: {error.strerror}", "run it as root"
            ) from error

    def fileno(self) -> int:
        return self._pipe

    def read(self) -> None:
        """Take what the kernel has told until now."""
        while True:
            try:
                data = os.read(self._pipe, _PIECE)
            except BlockingIOError:
                return
            if not data:
                return
            *lines, self._rest = (self._rest + data).split(b"\n")
            for line in lines:
                reset = read_line(line)
                if reset and self._ours(reset):
                    self.resets.append(reset)
                    if not reset.received:
                        self.counts[reset.reason, reset.state] += 1

    def by_ends(self) -> dict[tuple[str, str], str]:
        """The last reason for each pair of ends."""
        return {(r.source, r.target): r.reason for r in self.resets if r.reason}

    def close(self) -> None:
        self.read()
        os.close(self._pipe)
        self._remove()

    def _ours(self, reset: Reset) -> bool:
        ends = (reset.source, reset.target)
        return any(int(end.rpartition(":")[2]) in self._ports for end in ends)

    def _remove(self) -> None:
        for event in _EVENTS:
            with contextlib.suppress(OSError):
                (self._folder / "events" / "tcp" / event / "enable").write_text("0")
        with contextlib.suppress(OSError):
            self._folder.rmdir()


def read_line(line: bytes) -> Reset | None:
    """One line of a trace."""
    if found := _SENT.search(line):
        at, source, target, state, reason = (
            part.decode("ascii", "replace") if part else "" for part in found.groups()
        )
        return Reset(float(at), source, target, state, reason)
    if found := _RECEIVED.search(line):
        at, family, here, there, *hosts = (part.decode("ascii") for part in found.groups())
        begin = 0 if family == "AF_INET" else 2
        local, remote = shown(hosts[begin], int(here)), shown(hosts[begin + 1], int(there))
        return Reset(float(at), remote, local, received=True)
    return None


def _tracefs(places: tuple[Path, ...]) -> Path:
    for place in places:
        try:
            if not (place / "instances").is_dir():
                continue
            if not (place / "events" / "tcp" / _EVENTS[0]).is_dir():
                raise NoReasonsError(
                    f"this kernel has no tracepoint tcp:{_EVENTS[0]}", "use Linux 4.15 or later"
                )
        except PermissionError:
            raise NoReasonsError(f"`{place}` can't be read", "run it as root") from None
        return place
    if os.geteuid() != 0:
        raise NoReasonsError("tracefs is for root alone", "run it as root")
    raise NoReasonsError("tracefs is not mounted", f"mount -t tracefs nodev {places[0]}")
