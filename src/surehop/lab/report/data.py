"""A report as plain data. Every figure in it was measured in the run that it is about."""

import json
import os
import platform
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from surehop.lab.tap.sequence import Diagram

FORMAT = 2


def machine() -> dict[str, str]:
    """What the figures depend on: system, processor, cores, Python, and the load at the start."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": _processor(),
        "cores": str(len(os.sched_getaffinity(0))),
        "python": sys.version.split()[0],
        "load at start": " ".join(f"{one:.2f}" for one in os.getloadavg()),
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as told:  # noqa: PTH123  no file
            for line in told:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.machine()


@dataclass(frozen=True, slots=True)
class Table:
    """`good` and `bad` are cells, as (row, column), that are shown as such."""

    title: str
    columns: Sequence[str]
    rows: Sequence[Sequence[str]]
    bad: frozenset[tuple[int, int]] = frozenset()
    good: frozenset[tuple[int, int]] = frozenset()
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.columns):
                raise ValueError(
                    f"`{self.title}`: a row has {len(row)} of {len(self.columns)} columns"
                )

    def is_text(self, column: int) -> bool:
        """Whether it has more than figures."""
        return any(set(row[column]) - set("0123456789.,+-/ %") for row in self.rows)


@dataclass(frozen=True, slots=True)
class Curve:
    """Lines over one axis. series: for each name its (x, y). marks: vertical lines, by what they
    say. share: y is from 0 to 1.
    """

    title: str
    x: str
    y: str
    series: Mapping[str, Sequence[tuple[float, float]]]
    marks: Mapping[str, float] = field(default_factory=dict)
    share: bool = True


@dataclass(frozen=True, slots=True)
class Mark:
    """A request in a timeline, in seconds. tries: when the origin got it, and what it met there."""

    at: float
    took: float
    failed: bool
    told: str
    tries: tuple[tuple[float, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Row:
    """What one subject did."""

    name: str
    marks: Sequence[Mark]


@dataclass(frozen=True, slots=True)
class Timeline:
    """Requests over time, a row a subject. bands: times in which something was wrong."""

    title: str
    rows: Sequence[Row]
    bands: Sequence[tuple[float, float, str]] = ()


@dataclass(frozen=True, slots=True)
class Bars:
    """Counts, a bar a row, each in parts: `rows` has as many figures as there are `parts`."""

    title: str
    x: str
    parts: Sequence[str]
    rows: Mapping[str, Sequence[int]]
    note: str = ""

    def __post_init__(self) -> None:
        for row in self.rows.values():
            if len(row) != len(self.parts):
                raise ValueError(f"`{self.title}`: a row has {len(row)} of {len(self.parts)} parts")


Plot = Curve | Timeline | Bars


@dataclass(frozen=True, slots=True)
class Verdict:
    """The doctor's first finding on what a subject left; `id` is empty where there is none.

    read: what it understood. right: the finding is the fault that was injected, None where there
    was nothing to find.
    """

    subject: str
    read: Sequence[str]
    id: str = ""
    name: str = ""
    title: str = ""
    advice: str = ""
    right: bool | None = None


@dataclass(frozen=True, slots=True)
class Skipped:
    """A subject, or a part, that was not run: why, and what would change that."""

    name: str
    why: str
    hint: str


@dataclass(slots=True)
class Report:
    """A run of a scenario. partial: why it ended before its end, empty where it did not.

    shown: the fault was really met. said: sentences that the figures bear out. diagrams: the
    first failure on the wire. expected: the findings that name the fault.
    """

    scenario: str
    title: str
    story: str
    asked: Mapping[str, Any]
    started: str
    machine: Mapping[str, str] = field(default_factory=machine)
    versions: dict[str, str] = field(default_factory=dict)
    skipped: list[Skipped] = field(default_factory=list)
    tables: list[Table] = field(default_factory=list)
    plots: list[Plot] = field(default_factory=list)
    diagrams: list[Diagram] = field(default_factory=list)
    expected: Sequence[str] = ()
    verdicts: list[Verdict] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    measured: dict[str, float] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    shown: bool = False
    partial: str = ""
    seconds: float = 0.0

    def to_json(self) -> str:
        """All of it, the requests one by one."""
        told = {"format": FORMAT, **asdict(self)}
        for table in told["tables"]:
            table["bad"], table["good"] = sorted(table["bad"]), sorted(table["good"])
        return json.dumps(told, indent=1) + "\n"
