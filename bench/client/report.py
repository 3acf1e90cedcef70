"""Samples into medians, ratios, Markdown and JSON."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields

from bench.client.clients import Sample, title

# Whom the others are held against.
BASES = ("wreq-uvloop", "undici")
HEADINGS = {1: "One after another", 50: "50 at once"}

Results = dict[int, dict[str, list[Sample]]]


def median(samples: list[Sample]) -> Sample:
    return Sample(
        **{
            column.name: statistics.median(getattr(sample, column.name) for sample in samples)
            for column in fields(Sample)
        }
    )


def ratios(client: str, samples: dict[str, list[Sample]]) -> dict[str, float]:
    """CPU a request against each base that has run."""
    own = median(samples[client]).cpu
    return {base: own / median(samples[base]).cpu for base in BASES if samples.get(base)}


@dataclass(frozen=True)
class Report:
    """Everything that a reader needs to judge a run, and to repeat it."""

    machine: str
    conditions: str
    versions: dict[str, str]
    results: Results

    def as_json(self) -> str:
        cases = {
            str(at_once): {
                client: {
                    "median": asdict(median(samples)),
                    "cpu_ratio": ratios(client, clients),
                    "rounds": [asdict(sample) for sample in samples],
                }
                for client, samples in clients.items()
            }
            for at_once, clients in self.results.items()
        }
        document = {
            "machine": self.machine,
            "conditions": self.conditions,
            "versions": self.versions,
            "at_once": cases,
        }
        return json.dumps(document, indent=2, ensure_ascii=False) + "\n"

    def as_markdown(self) -> str:
        return "\n".join(self._lines()) + "\n"

    def _lines(self) -> Iterator[str]:
        yield "# Surehop's client among others"
        yield ""
        yield f"{self.machine}. {self.conditions}"
        yield ""
        yield "CPU is the client process's own, user and system, all its threads; in brackets its"
        yield "lowest and highest round. Ratios are of CPU, in this run."
        for at_once, clients in self.results.items():
            yield ""
            yield f"## {HEADINGS.get(at_once, f'{at_once} at once')}"
            yield ""
            yield from table(clients)
        yield ""
        yield "Versions: " + "; ".join(
            f"{name} {version}" for name, version in self.versions.items()
        )


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
        yield "| " + " | ".join(cells) + " |"
