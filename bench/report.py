"""A run of a bench as Markdown and JSON: everything that a reader needs to judge and repeat it."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

_RESULTS = Path(__file__).parent / "results"
_S = TypeVar("_S")


def median(samples: Sequence[_S]) -> _S:
    """The median of each field of a dataclass of numbers."""
    rows = [asdict(sample) for sample in samples]  # type: ignore[call-overload]
    columns = {name: statistics.median(row[name] for row in rows) for name in rows[0]}
    return replace(samples[0], **columns)  # type: ignore[type-var]


@dataclass(frozen=True)
class Section:
    """One case: `table` is Markdown, `data` what goes into the JSON under `key`."""

    key: str
    heading: str
    table: Sequence[str]
    data: dict[str, Any]


@dataclass(frozen=True)
class Report:
    """`how` tells how the figures are to be read."""

    title: str
    how: str
    machine: str
    conditions: str
    versions: dict[str, str]
    sections: Sequence[Section]

    def as_json(self) -> str:
        document = {
            "machine": self.machine,
            "conditions": self.conditions,
            "versions": self.versions,
            "cases": {section.key: section.data for section in self.sections},
        }
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    def as_markdown(self) -> str:
        return "\n".join(self._lines()) + "\n"

    def write(self, name: str, *, whole: bool) -> str:
        """Write both files and say where; a run that is not whole goes aside."""
        into = _RESULTS if whole else _RESULTS / "scratch"
        into.mkdir(parents=True, exist_ok=True)
        (into / f"{name}.json").write_text(self.as_json())
        (into / f"{name}.md").write_text(self.as_markdown())
        shown = into.relative_to(Path.cwd()) if into.is_relative_to(Path.cwd()) else into
        return f"written: {shown}/{name}.json and {shown}/{name}.md"

    def _lines(self) -> Iterator[str]:
        yield f"# {self.title}"
        yield ""
        yield f"{self.machine}. {self.conditions}"
        yield ""
        yield self.how
        for section in self.sections:
            yield ""
            yield f"## {section.heading}"
            yield ""
            yield from section.table
        yield ""
        yield from _versions(self.versions)


def row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(cells) + " |"


def _versions(versions: dict[str, str]) -> Iterator[str]:
    if not any("\n" in version for version in versions.values()):
        yield "Versions: " + "; ".join(f"{name} {version}" for name, version in versions.items())
        return
    for name, version in versions.items():
        yield f"<details><summary>{name}: {version.partition(chr(10))[0]}</summary>"
        yield ""
        yield "```"
        yield version
        yield "```"
        yield ""
        yield "</details>"
