"""Samples of clients into a report: medians, and ratios of CPU."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

from bench.client.clients import Sample, title
from bench.report import Report, Section, median, row

# Whom the others are held against.
BASES = ("wreq-uvloop", "undici")
HEADINGS = {1: "One after another", 50: "50 at once"}
HOW = """\
CPU is the client process's own, user and system, all its threads; in brackets its
lowest and highest round. Ratios are of CPU, in this run."""

Results = dict[int, dict[str, list[Sample]]]


def report(machine: str, conditions: str, versions: dict[str, str], results: Results) -> Report:
    sections = [section(at_once, clients) for at_once, clients in results.items()]
    return Report("Surehop's client among others", HOW, machine, conditions, versions, sections)


def section(at_once: int, clients: dict[str, list[Sample]]) -> Section:
    data = {
        client: {
            "median": asdict(median(samples)),
            "cpu_ratio": ratios(client, clients),
            "rounds": [asdict(sample) for sample in samples],
        }
        for client, samples in clients.items()
    }
    heading = HEADINGS.get(at_once, f"{at_once} at once")
    return Section(str(at_once), heading, list(table(clients)), data)


def ratios(client: str, samples: dict[str, list[Sample]]) -> dict[str, float]:
    """CPU a request against each base that has run."""
    own = median(samples[client]).cpu
    return {base: own / median(samples[base]).cpu for base in BASES if samples.get(base)}


def table(clients: dict[str, list[Sample]]) -> Iterator[str]:
    bases = [base for base in BASES if clients.get(base)]
    heads = "".join(f" to {title(base)} |" for base in bases)
    yield f"| | CPU µs/request | user | system | requests/s |{heads}"
    yield "| --- |" + " ---: |" * (4 + len(bases))
    for client, samples in clients.items():
        one, ratio = median(samples), ratios(client, clients)
        low, high = (pick(sample.cpu for sample in samples) for pick in (min, max))
        cells = [
            title(client),
            f"{one.cpu:.1f} ({low:.1f} to {high:.1f})",
            f"{one.user:.1f}",
            f"{one.system:.1f}",
            f"{one.per_second:.0f}",
            *(f"{ratio[base]:.2f}" for base in bases),
        ]
        yield row(cells)
