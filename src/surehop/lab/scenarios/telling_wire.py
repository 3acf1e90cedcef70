"""What a run was on the wire: who closed first, and the first failure as a sequence diagram."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from surehop.lab.report.data import Bars
from surehop.lab.scenarios.frame import Record, Stage
from surehop.lab.tap.sequence import Arrow, Diagram, Kind, with_pauses
from surehop.lab.wire import ENDS, Flow, Watched, of_packets, of_records

_MOST = 24  # arrows
_AFTER = 0.1  # seconds in which a FIN or RST is still of a request that is over
_LONGEST = 44  # letters of an error
_OURS = ("surehop", "surehop-proxy")


def tell_wire(stage: Stage) -> None:
    """The plot and the diagrams: of packets where they could be captured, else of counts."""
    watch = stage.watch
    records = [record for some in stage.records().values() for record in some]
    flows, source = of_packets(watch.segments(), watch.hops), "packets that the kernel captured"
    if not flows:
        flows = of_records(one for one in stage.seen if one[0] in watch.hops)
        source = "what the origins saw"
    source += f" ({watch.why_not})" if watch.why_not else ""
    wire = _Wire(flows, watch.hops, records)
    stage.report.plots += _closings(wire, records, source)
    records.sort(key=lambda record: record.outcome.at)
    stage.report.diagrams += [
        _Story(record, wire).diagram(source) for record in _shown(records, wire)
    ]


class _Wire:
    """The connections of a run, by the requests that went on them."""

    def __init__(
        self, flows: Sequence[Flow], hops: Mapping[int, Watched], records: Sequence[Record]
    ) -> None:
        self.flows = flows
        self.hops = hops
        self.proxies = {hop.proxy for hop in hops.values() if hop.proxy}
        self._by_id: dict[str, list[Flow]] = {}
        self._refused: dict[str, list[Flow]] = {}
        for flow in flows:
            for name in dict.fromkeys(flow.ids):
                self._by_id.setdefault(name, []).append(flow)
            if flow.end == "refused":
                self._refused.setdefault(hops[flow.port].proxy, []).append(flow)
        users: dict[tuple[str, int], list[str]] = {}
        for record in (r for r in records if r.lane.at_once == 1):
            user = record.subject, record.outcome.lane
            users.setdefault(user, []).append(record.outcome.id)
        self._before = {id_: before for ids in users.values() for before, id_ in pairwise(ids)}

    def of(self, record: Record) -> list[Flow]:
        """Those that the request went on, and those that its proxy was refused meanwhile.

        Where it reached nobody it is the connection of the same user's request before.
        """
        name = record.outcome.id
        found = self._by_id.get(name) or self._by_id.get(self._before.get(name, ""), [])
        refused = self._refused.get(record.subject, ())
        found = found + [flow for flow in refused if _during(record, flow)]
        return sorted(found, key=lambda flow: flow.begun)


def _closings(wire: _Wire, records: Sequence[Record], source: str) -> Iterator[Bars]:
    subjects = {record.outcome.id: record.subject for record in records}
    alone = [name for name in subjects.values() if name not in wire.proxies]
    names = [*alone, *(hop.name for hop in wire.hops.values() if hop.proxy)]
    counts: dict[str, Counter[str]] = {name: Counter() for name in names}
    for flow in wire.flows:
        asked = (subjects[one] for one in flow.ids if one in subjects)
        name = wire.hops[flow.port].name or next(asked, None) or _whose(flow, records)
        if name in counts and flow.end:
            counts[name][flow.end] += 1
    if any(counts.values()):
        rows = {name: [count[end] for end in ENDS] for name, count in counts.items()}
        yield Bars(
            "who closed first",
            "connections",
            ENDS,
            rows,
            f"Who sent the first FIN or RST, from {source}.",
        )


def _during(record: Record, flow: Flow) -> bool:
    return record.outcome.at <= flow.begun <= record.outcome.at + record.outcome.took


def _whose(flow: Flow, records: Sequence[Record]) -> str | None:
    """Of a connection without a request: the subject that asked just then, if it was alone."""
    asking = {record.subject for record in records if _during(record, flow)}
    return asking.pop() if len(asking) == 1 else None


def _shown(records: Sequence[Record], wire: _Wire) -> Iterator[Record]:
    """The first failure, and the first time that Surehop met as much and went on."""
    failed = next((record for record in records if record.failed and wire.of(record)), None)
    if failed:
        yield failed
    whole = [record for record in records if record.subject in _OURS and not record.failed]
    met = [record for record in whole if any(one.fault for one in record.tries)]
    again = [r for r in whole if len(wire.of(r)) > (2 if r.subject in wire.proxies else 1)]
    yield from (met or again)[:1]


@dataclass(slots=True)
class _Story:
    """One request: the connections that it went on, or that were refused for it."""

    record: Record
    wire: _Wire
    actors: list[tuple[str, str]] = field(default_factory=list)

    def diagram(self, source: str) -> Diagram:
        record, outcome = self.record, self.record.outcome
        flows = self.wire.of(record)
        self.actors = [(record.subject, "")]
        if record.subject in self.wire.proxies:
            self.actors.insert(0, ("client", ""))
        zero = min((flow.begun for flow in flows), default=outcome.at)
        arrows = [
            arrow
            for number, flow in enumerate(flows, 1)
            for arrow in self._arrows(flow, f"#{number} " if len(flows) > 1 else "", zero)
        ]
        arrows.append(self._end(zero))
        arrows.sort(key=lambda arrow: arrow.at)
        told = f"failed: {outcome.code or outcome.status}" if record.failed else "went through"
        title = f"{record.subject}: a {record.lane.method} {told}"
        note = f"from {source}; what only acknowledges is left out"
        return Diagram(title, tuple(self.actors), with_pauses(arrows, _MOST), note)

    def _arrows(self, flow: Flow, prefix: str, zero: float) -> Iterator[Arrow]:
        outcome = self.record.outcome
        hop = self.wire.hops[flow.port]
        if hop.behind:
            end = ("backend" if hop.proxy else "origin", flow.server)
            if end not in self.actors:
                self.actors.append(end)
            asker, answerer = (1 if hop.proxy else 0), self.actors.index(end)
        else:
            asker, answerer = 0, 1
            self.actors[1] = (hop.proxy, flow.server)
        for step in flow.steps:
            late = step.at - outcome.at - outcome.took
            if late <= 0 or (late <= _AFTER and step.kind in {Kind.FIN, Kind.RST}):
                ends = (asker, answerer) if step.from_client else (answerer, asker)
                yield Arrow(step.at - zero, *ends, f"{prefix}{step.text}", step.kind)

    def _end(self, zero: float) -> Arrow:
        """What whoever asked has of it."""
        outcome = self.record.outcome
        told = str(outcome.status) if outcome.status else outcome.code
        if outcome.message and outcome.message != told:
            told += f": {outcome.message.splitlines()[0]}"
        if len(told) > _LONGEST:
            told = told[: _LONGEST - 1] + "…"
        kind = Kind.FAILED if self.record.failed else Kind.PLAIN
        return Arrow(outcome.at + outcome.took - zero, 0, 0, told, kind)
