"""What the kernel knows beside the relay: packets, reasons of resets, counters."""

import time
from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from surehop.errors import StartError
from surehop.lab.tap.address import EVERYWHERE, Place, addresses_of
from surehop.lab.tap.counters import changes, counters
from surehop.lab.tap.packets import Capture, Captured, Endpoint, of_segments, read, segments
from surehop.lab.tap.reasons import NoReasonsError, Reasons, Reset
from surehop.lab.tap.record import Connection
from surehop.lab.tap.relay import Relay
from surehop.lab.tap.sequence import Diagram
from surehop.lab.tap.tables import Table

_MOST_ADDRESSES = 4  # of a name; of one with more, the port is captured at any address


class Evidence:
    """Gathers from here to `close`. StartError where packets were asked for and can't be had.

    `without` says why there are no reasons, though they were asked for.
    """

    def __init__(self, relay: Relay, listen: Place, *, pcap: Path | None, reasons: bool) -> None:
        self._relay = relay
        self._listen = relay.port
        self._upstream = 0 if relay.upstream.path else relay.upstream.port
        self._date = time.time_ns() - time.monotonic_ns()
        self._pcap = pcap
        self._capture = Capture(_endpoints(relay, listen), pcap) if pcap else None
        self.captured: Captured | None = None
        self._lost = ""
        self.without = ""
        self._reasons: Reasons | None = None
        if reasons:
            try:
                self._reasons = Reasons(frozenset({self._listen, self._upstream} - {0}))
            except NoReasonsError as error:
                self.without = (
                    f"no reasons of resets: {error}; the counters are told\nhint: {error.hint}"
                )
            else:
                relay.on_readable(self._reasons.fileno(), self._reasons.read)
        self._before = counters()
        self._after: Mapping[str, int] = {}

    def close(self) -> None:
        """The relay has ended."""
        self._after = counters()
        if self._reasons:
            self._reasons.close()
        if self._capture:
            try:
                self.captured = self._capture.stop()
            except StartError as error:
                # What the relay has seen is told all the same.
                self._lost = str(error)

    def captured_in_words(self) -> str:
        """How many packets there are and whether some are missing; empty if none were asked for."""
        if not self.captured:
            return self._lost
        dropped = self.captured.dropped
        lost = f"{dropped} DROPPED for want of room" if dropped else "none dropped"
        return f"{self.captured.packets} packets, {lost}, in {self._pcap}"

    def tables(self) -> list[Table]:
        """Resets by who sent them and why; what the kernel's counters say."""
        found = []
        if self._reasons:
            counts = Counter((self._who(r), r.reason or "?") for r in self._sent())
            rows = [[who, reason, str(number)] for (who, reason), number in counts.most_common()]
            note = "" if rows else "none was sent"
            found.append(
                Table("Resets, with the kernel's reason", ["by", "reason", "times"], rows, note)
            )
        changed = changes(self._before, self._after)
        if changed:
            rows = [
                [c.name, str(c.before), str(c.after), f"+{c.after - c.before}", c.meaning]
                for c in changed
            ]
            heads = ["counter", "before", "after", "", "meaning"]
            note = "they count for all programs of this machine, not for the tap alone"
            found.append(Table("The kernel's counters", heads, rows, note))
        return found

    def as_json(self) -> dict[str, Any]:
        """For the last line."""
        changed = changes(self._before, self._after)
        told: dict[str, Any] = {"counters": {c.name: c.after - c.before for c in changed}}
        if self.captured:
            told["packets"] = self.captured.packets
            told["packets_dropped"] = self.captured.dropped
        return told

    def resets(self) -> list[dict[str, Any]]:
        """Each that was sent or came, for lines of JSON."""
        return [
            {
                "time": self._when(reset),
                "by": self._who(reset),
                "source": reset.source,
                "target": reset.target,
                "reason": reset.reason or None,
                "state": reset.state or None,
                "received": reset.received,
            }
            for reset in (self._reasons.resets if self._reasons else ())
        ]

    def by_ends(self) -> dict[tuple[str, str], str]:
        return self._reasons.by_ends() if self._reasons else {}

    def diagram(self, record: Connection) -> Diagram | None:
        """The connection's packets, where they were captured."""
        if not self._pcap or not self.captured:
            return None
        started = self._date + round(record.started * 1e9)
        with self._pcap.open("rb") as file:
            return of_segments(record, segments(read(file)), started, self.by_ends())

    def _sent(self) -> list[Reset]:
        return [r for r in self._reasons.resets if not r.received] if self._reasons else []

    def _who(self, reset: Reset) -> str:
        source, target = (int(end.rpartition(":")[2]) for end in (reset.source, reset.target))
        if self._listen in {source, target}:
            return "tap, to the client" if source == self._listen else "client"
        return "upstream" if source == self._upstream else "tap, to the upstream"

    def _when(self, reset: Reset) -> str:
        return datetime.fromtimestamp(self._date / 1e9 + reset.at, UTC).isoformat()


def _endpoints(relay: Relay, listen: Place) -> list[Endpoint]:
    found = []
    if relay.port:
        anywhere = listen.host == EVERYWHERE
        found += [
            Endpoint(relay.port, None if anywhere else _host(name)) for name in relay.addresses
        ]
    if not relay.upstream.path:
        try:
            hosts = [address.host for address in addresses_of(relay.upstream)]
        except OSError:
            hosts = []
        if not 0 < len(hosts) <= _MOST_ADDRESSES:
            hosts = [None]
        found += [Endpoint(relay.upstream.port, host) for host in hosts]
    if not found:
        raise StartError("can't capture packets: unix sockets have none")
    return found


def _host(name: str) -> str:
    return name.rpartition(":")[0].strip("[]")
