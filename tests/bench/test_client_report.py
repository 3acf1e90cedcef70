from __future__ import annotations

import json

import pytest
from bench.client.clients import ASYNC, NODE, SYNC, Sample, title
from bench.client.driver import ASYNC as COROUTINES, SYNC as FUNCTIONS
from bench.client.report import report as made
from bench.report import Report


def samples(*cpus: float) -> list[Sample]:
    return [Sample(cpu=cpu, user=cpu / 2, system=cpu / 2, per_second=1e6 / cpu) for cpu in cpus]


@pytest.fixture
def report() -> Report:
    one = {"surehop-uvloop": samples(30, 90, 20), "undici": samples(40), "httpx-sync": samples(200)}
    many = {"surehop-uvloop": samples(12), "wreq-uvloop": samples(16)}
    return made("2 cores", "3 rounds.", {"surehop": "0", "undici": "7"}, {1: one, 50: many})


def test_json_has_medians_and_ratios_to_those_who_ran(report: Report) -> None:
    cases = json.loads(report.as_json())["cases"]

    assert cases["1"]["surehop-uvloop"]["median"]["cpu"] == 30
    assert cases["1"]["surehop-uvloop"]["cpu_ratio"] == {"undici": 0.75}
    assert cases["50"]["surehop-uvloop"]["cpu_ratio"] == {"wreq-uvloop": 0.75}
    assert [one["cpu"] for one in cases["1"]["surehop-uvloop"]["rounds"]] == [30, 90, 20]


def test_markdown_has_a_row_a_client(report: Report) -> None:
    lines = report.as_markdown().splitlines()

    assert "| surehop, uvloop | 30.0 (20.0 to 90.0) | 15.0 | 15.0 | 33333 | 0.75 |" in lines
    assert "| httpx, sync | 200.0 (200.0 to 200.0) | 100.0 | 100.0 | 5000 | 5.00 |" in lines
    assert lines[-1] == "Versions: surehop 0; undici 7"


def test_every_client_has_a_driver_and_a_title() -> None:
    for client in {*ASYNC, *SYNC} - {*NODE}:
        name, _, manner = client.rpartition("-")
        assert name in (FUNCTIONS if manner == "sync" else COROUTINES)
    assert len({title(client) for client in (*ASYNC, *SYNC)}) == len(ASYNC) + len(SYNC)
