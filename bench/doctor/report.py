"""Samples of programs into a report: medians, and ratios to `wc -l`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from bench.doctor.programs import TITLES, Sample
from bench.report import Report, Section, median, row

BASE = "wc"
HEADINGS = {"access": "An access log", "error": "An error log"}
HOW = """\
Seconds are by the clock, in brackets the fastest and the slowest round; CPU is of all threads and
processes. The files are in the page cache. Ratios are of the medians by the clock. What is done
differs: `wc` counts line ends, ripgrep looks for one word, polars counts one column, goaccess and
surehop read the lines. Memory is the most at once; of what needs less than the bench itself, it
is the bench's."""

Results = dict[str, dict[str, list[Sample]]]


def report(machine: str, conditions: str, versions: dict[str, str], results: Results) -> Report:
    sections = [
        Section(
            kind,
            HEADINGS[kind],
            list(table(programs)),
            {
                name: {
                    "median": asdict(median(samples)),
                    "ratio": ratio(name, programs),
                    "rounds": [asdict(sample) for sample in samples],
                }
                for name, samples in programs.items()
            },
        )
        for kind, programs in results.items()
    ]
    title = "The doctor's reading of logs among others'"
    return Report(title, HOW, machine, conditions, versions, sections)


def ratio(name: str, programs: dict[str, list[Sample]]) -> float:
    return median(programs[name]).wall / median(programs[BASE]).wall


def table(programs: dict[str, list[Sample]]) -> Iterator[str]:
    yield row(["", "seconds", "of `wc -l`", "CPU s", "memory MB"])
    yield "| --- |" + " ---: |" * 4
    for name, samples in programs.items():
        one = median(samples)
        low, high = (pick(sample.wall for sample in samples) for pick in (min, max))
        cells = [
            TITLES[name],
            f"{one.wall:.2f} ({low:.2f} to {high:.2f})",
            f"{ratio(name, programs):.1f}",
            f"{one.cpu:.2f}",
            f"{one.memory:.0f}",
        ]
        yield row(cells)
