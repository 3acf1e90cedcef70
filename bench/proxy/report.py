"""Samples of proxies into a report: medians, and their ratios to nginx's."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass, field

from bench.report import Report, Section, median, row

BASE = "nginx"
HOW = """\
In brackets: the ratio to nginx in the same run. CPU is exact and covers the data
process alone; user and system divide it by clock ticks. Beside CPU: its lowest and
highest round. Busy: the share of its core that the proxy used; well below 100 %,
the load was the limit, not the proxy."""


@dataclass(frozen=True)
class Case:
    """So many connections, bodies of so many bytes."""

    connections: int
    body: int

    @classmethod
    def parse(cls, text: str) -> Case:
        connections, _, body = text.partition("x")
        return cls(int(connections), 1 << 20 if body == "1MiB" else int(body))

    def heading(self) -> str:
        connections = "1 connection" if self.connections == 1 else f"{self.connections} connections"
        return f"{connections}, {size(self.body)}"

    def __str__(self) -> str:
        return f"{self.connections}x{'1MiB' if self.body == 1 << 20 else self.body}"


@dataclass(frozen=True)
class Sample:
    """One timed run: CPU, p50 and p99 in µs, memory in bytes, busy as a share of the core."""

    cpu: float
    user: float
    system: float
    per_second: float
    p50: float
    p99: float
    memory: float
    busy: float


@dataclass
class Result:
    """All runs of one proxy in one case."""

    samples: list[Sample] = field(default_factory=list)
    system_calls: dict[str, float] = field(default_factory=dict)


Results = dict[Case, dict[str, Result]]


def report(machine: str, conditions: str, versions: dict[str, str], results: Results) -> Report:
    sections = [section(case, servers) for case, servers in results.items()]
    title = "Surehop, nginx and HAProxy as a proxy"
    return Report(title, HOW, machine, conditions, versions, sections)


def section(case: Case, servers: dict[str, Result]) -> Section:
    data = {
        name: {
            "median": asdict(median(result.samples)),
            "ratio": ratios(result, servers.get(BASE)),
            "system_calls": result.system_calls,
            "rounds": [asdict(sample) for sample in result.samples],
        }
        for name, result in servers.items()
    }
    return Section(str(case), case.heading(), list(table(servers)), data)


def ratios(result: Result, base: Result | None) -> dict[str, float] | None:
    """Every column of the median against nginx's, and the system calls."""
    if base is None:
        return None
    own, other = asdict(median(result.samples)), asdict(median(base.samples))
    found = {name: own[name] / other[name] for name in own if other[name]}
    if base.system_calls and result.system_calls:
        found["system_calls"] = sum(result.system_calls.values()) / sum(base.system_calls.values())
    return found


def size(body: int) -> str:
    return "1 MiB" if body == 1 << 20 else f"{body} bytes"


def duration(micro: float) -> str:
    return f"{micro:.0f} µs" if micro < 1000 else f"{micro / 1000:.1f} ms"


def table(servers: dict[str, Result]) -> Iterator[str]:
    head = "| | CPU µs/request | user | system | requests/s | p50 | p99 | peak memory | busy "
    yield head + "| system calls/request |"
    yield "| --- |" + " ---: |" * 8 + " --- |"
    base = servers.get(BASE)
    for name, result in servers.items():
        one = median(result.samples)
        ratio = ratios(result, base) or {}

        def told(text: str, column: str, ratio: dict[str, float] = ratio) -> str:
            return f"{text} ({ratio[column]:.2f})" if column in ratio else text

        low, high = (pick(sample.cpu for sample in result.samples) for pick in (min, max))
        calls = ", ".join(f"{call} {count:.2f}" for call, count in result.system_calls.items())
        cells = [
            name,
            told(f"{one.cpu:.2f}", "cpu") + f" {low:.2f} to {high:.2f}",
            f"{one.user:.2f}",
            f"{one.system:.2f}",
            told(f"{one.per_second:.0f}", "per_second"),
            told(duration(one.p50), "p50"),
            told(duration(one.p99), "p99"),
            told(f"{one.memory / (1 << 20):.1f} MiB", "memory"),
            f"{one.busy:.0%}",
            told(f"{sum(result.system_calls.values()):.2f}", "system_calls") + f": {calls}"
            if calls
            else "-",
        ]
        yield row(cells)
