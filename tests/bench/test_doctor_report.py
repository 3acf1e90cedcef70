"""The report of the doctor's bench, and its logs: as long as asked, and read whole."""

from __future__ import annotations

import json
from pathlib import Path

from bench.doctor import logs
from bench.doctor.programs import Sample
from bench.doctor.report import report

from surehop.doctor import Names, Options, examine


def samples(*walls: float) -> list[Sample]:
    return [Sample(wall, 2 * wall, 10) for wall in walls]


def test_ratios_are_to_wc() -> None:
    programs = {"wc": samples(0.5), "surehop": samples(2, 9, 1)}
    told = report("2 cores", "3 rounds.", {"wc": "9"}, {"access": programs})

    assert "| `surehop doctor` | 2.00 (1.00 to 9.00) | 4.0 | 4.00 | 10 |" in told.as_markdown()
    assert json.loads(told.as_json())["cases"]["access"]["surehop"]["ratio"] == 4


def test_every_line_is_understood(tmp_path: Path) -> None:
    for kind in ("access", "error"):
        log = tmp_path / f"{kind}.log"
        logs.write(log, kind, 1_000_000)
        told = examine([str(log)], Options(Names({}, {}, ask=False))).logs
        assert log.stat().st_size >= 1_000_000
        assert (told.unknown, told.files[0].bytes) == (0, log.stat().st_size)
