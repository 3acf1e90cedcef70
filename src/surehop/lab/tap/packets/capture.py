"""Packets into a file, in a process of its own, so that the relay has a processor to itself."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from surehop import __version__
from surehop.errors import StartError
from surehop.lab.tap.packets.bpf import Endpoint, capture_filter
from surehop.lab.tap.packets.pcapng import Writer
from surehop.lab.tap.packets.ring import Ring

_TICK = 0.05
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class Captured:
    """`dropped`: packets that passed the filter and found no room."""

    packets: int
    dropped: int


class Capture:
    """Runs from here to `stop`. StartError where packets can't be captured."""

    def __init__(self, endpoints: Sequence[Endpoint], file: Path) -> None:
        wish = json.dumps({"file": str(file), "endpoints": [asdict(one) for one in endpoints]})
        # A session of its own: Ctrl-C is for the relay, which then ends this.
        self._process = subprocess.Popen(
            [sys.executable, "-m", "surehop.lab.tap.packets", wish],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
            text=True,
        )
        told = self._line()
        if told.get("ready"):
            return
        self._process.communicate()
        why = told.get("error", "the capturing process ended")
        raise StartError(
            f"can't capture packets: {why}",
            hint="capturing wants CAP_NET_RAW: run it with `sudo`, or leave out `--pcap`"
            if told.get("privilege")
            else None,
        )

    def stop(self) -> Captured:
        """All that came until now is in the file when this returns."""
        if self._process.stdin:
            self._process.stdin.close()
            self._process.stdin = None
        told = self._line()
        self._process.communicate(timeout=_PATIENCE)
        if "packets" not in told:
            raise StartError(f"packets were not all written: {told.get('error', 'it ended')}")
        return Captured(int(told["packets"]), int(told["dropped"]))

    def _line(self) -> dict[str, Any]:
        line = self._process.stdout.readline() if self._process.stdout else ""
        told: dict[str, Any] = json.loads(line) if line else {}
        return told


def main(argv: Sequence[str]) -> int:
    """The capturing process: until stdin ends. Says `ready` and at the end what it counted."""
    wish = json.loads(argv[0])
    endpoints = [Endpoint(one["port"], one["host"]) for one in wish["endpoints"]]
    try:
        ring = Ring(capture_filter(endpoints))
    except OSError as error:
        _tell(error=error.strerror, privilege=isinstance(error, PermissionError))
        return 1
    try:
        with Path(wish["file"]).open("wb") as file:
            writer = Writer(file, application=f"surehop lab tap {__version__}")
            _tell(ready=True)
            os.set_blocking(sys.stdin.fileno(), False)
            while not _ended():
                ring.wait(_TICK)
                _write(ring, writer)
                file.flush()
            # The last block is handed over some time after the last packet.
            for _ in range(3):
                ring.wait(_TICK)
                _write(ring, writer)
            packets, dropped = ring.statistics()
            writer.statistics(time.time_ns(), received=packets, dropped=dropped)
    except OSError as error:
        _tell(error=error.strerror)
        return 1
    _tell(packets=packets - dropped, dropped=dropped)
    return 0


def _ended() -> bool:
    try:
        return os.read(sys.stdin.fileno(), 1) == b""
    except BlockingIOError:
        return False


def _write(ring: Ring, writer: Writer) -> None:
    for row in ring.rows():
        writer.packet(*row)


def _tell(**told: object) -> None:
    print(json.dumps(told), flush=True)
