"""Packets of some ports while a scenario runs, where the system lets them be captured."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from surehop.errors import StartError
from surehop.lab.tap.packets import Capture, Endpoint, Segment, read, segments


class Watched(NamedTuple):
    """What a port is: of an origin that is asked by clients, or before or behind a `proxy`."""

    proxy: str = ""
    behind: bool = True

    @property
    def name(self) -> str:
        """Who closes whose connections there; empty where clients do."""
        return f"{self.proxy}, to {'backends' if self.behind else 'clients'}" if self.proxy else ""


class Watch:
    """Captures from `on` to `stop`, beside the hop: nothing of what is measured goes through it.

    hops: what each port is, as it was told. why_not: why there are no packets, empty if there are.
    """

    def __init__(self, folder: Path) -> None:
        self.hops: dict[int, Watched] = {}
        self.why_not = ""
        self.files: list[Path] = []
        self._folder = folder
        self._running: list[Capture] = []

    def on(self, hops: Mapping[int, Watched]) -> None:
        """Watch these ports too."""
        new = [Endpoint(port) for port in hops if port not in self.hops]
        self.hops.update(hops)
        if not new or self.why_not:
            return
        file = self._folder / f"packets-{len(self.files) + 1}.pcapng"
        try:
            self._running.append(Capture(new, file))
        except StartError as error:
            self.why_not = str(error)
        else:
            self.files.append(file)

    def stop(self) -> None:
        """Everything until now can be read when this returns."""
        while self._running:
            try:
                captured = self._running.pop().stop()
            except StartError as error:
                self.why_not = str(error)
            else:
                if captured.dropped:
                    self.why_not = f"{captured.dropped} packets found no room"

    def segments(self) -> Iterator[Segment]:
        """All TCP that was captured, file by file."""
        for path in self.files:
            with path.open("rb") as file:
                yield from segments(read(file))
