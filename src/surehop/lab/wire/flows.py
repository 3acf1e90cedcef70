"""Connections: who asked what on them, and who ended them first."""

import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from surehop.lab.origins import Stats
from surehop.lab.tap.packets import Segment
from surehop.lab.tap.sequence import Kind

_ID = re.compile(rb"(?i)\r\nx-request-id: *([^\r\n]+)")


class Step(NamedTuple):
    """Something that went over a connection. `at`: Unix time."""

    at: float
    from_client: bool
    text: str
    kind: Kind


@dataclass(slots=True)
class Flow:
    """One connection. `port` is the server's; `ids` are the X-Request-Ids of its requests.

    end: who ended it first, and how; None as long as nobody did.
    """

    port: int
    client: str
    server: str
    steps: list[Step] = field(default_factory=list)
    ids: list[str] = field(default_factory=list)
    end: str | None = None

    @property
    def begun(self) -> float:
        return self.steps[0].at if self.steps else 0.0


# What an end can be.
ENDS = ("client, FIN", "client, RST", "server, FIN", "server, RST", "refused")


def of_packets(segments: Iterable[Segment], ports: Collection[int]) -> list[Flow]:
    """Those of these ports, in the order in which they began."""
    flows: list[Flow] = []
    open_: dict[frozenset[str], Flow] = {}
    for segment in segments:
        ends = frozenset((segment.source, segment.target))
        if segment.opens:
            port = int(segment.target.rpartition(":")[2])
            if port not in ports:
                continue
            flow = open_.get(ends)
            # The same SYN once more, or a port that is used again.
            if flow is None or flow.end:
                flow = open_[ends] = Flow(port, segment.source, segment.target)
                flows.append(flow)
        if ends in open_ and segment.telling:
            _add(open_[ends], segment)
    return flows


def _add(flow: Flow, segment: Segment) -> None:
    by_client = segment.source == flow.client
    if segment.kind in {Kind.RST, Kind.FIN} and flow.end is None:
        refused = segment.kind is Kind.RST and len(flow.steps) == 1
        who = "client" if by_client else "server"
        flow.end = "refused" if refused else f"{who}, {segment.kind.name}"
    if by_client:
        flow.ids += [found.decode("latin-1") for found in _ID.findall(segment.payload)]
    flow.steps.append(Step(segment.at / 1e9, by_client, segment.words, segment.kind))


def of_records(stats: Iterable[tuple[int, Stats]]) -> list[Flow]:
    """What origins counted, each with its port. Less is known: a refused connect is not seen."""
    flows: list[Flow] = []
    for port, one in stats:
        here: dict[int, Flow] = {}
        server = f"127.0.0.1:{port}"
        for delivery in one.deliveries:
            number = delivery.connection
            flow = here.setdefault(number, Flow(port, f"connection {number}", server))
            flow.ids += [delivery.id] if delivery.id else []
            text = f"{delivery.method} {delivery.path}"
            flow.steps.append(Step(delivery.at, True, text, Kind.DATA))
        for closing in one.closings:
            number = closing.connection or -len(here) - 1  # who was turned away has none
            flow = here.setdefault(number, Flow(port, f"connection {number}", server))
            kind = Kind(closing.how)
            flow.end = f"{closing.by}, {kind.name}"
            flow.steps.append(Step(closing.at, closing.by == "client", kind.name, kind))
        flows += here.values()
    return sorted(flows, key=lambda flow: flow.begun)
