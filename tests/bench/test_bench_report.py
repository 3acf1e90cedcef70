from __future__ import annotations

import json

import pytest
from bench.proxy.report import Case, Result, Sample, report as made
from bench.report import Report


def sample(cpu: float) -> Sample:
    return Sample(
        cpu=cpu,
        user=cpu / 4,
        system=cpu * 3 / 4,
        per_second=60000.0,
        p50=900.0,
        p99=2500.0,
        memory=5 << 20,
        busy=0.9,
    )


def result(*cpus: float, calls: float) -> Result:
    return Result([sample(cpu) for cpu in cpus], {"recvfrom": calls - 1, "writev": 1.0})


def servers() -> dict[str, Result]:
    return {
        "nginx": result(10.0, 30.0, 16.0, calls=6.0),
        "surehop": result(12.0, 11.0, 90.0, calls=5.0),
    }


def told(servers: dict[str, Result]) -> Report:
    versions = {"nginx": "nginx version: nginx/0", "surehop": "surehop 0"}
    return made("2 cores", "3 rounds.", versions, {Case.parse("64x100"): servers})


@pytest.fixture
def report() -> Report:
    return told(servers())


@pytest.mark.parametrize("text", ["1x100", "16x1MiB", "256x7"])
def test_a_case_is_written_as_it_is_read(text: str) -> None:
    assert str(Case.parse(text)) == text


def test_a_mebibyte_is_counted_in_bytes() -> None:
    assert Case.parse("16x1MiB") == Case(16, 1048576)


@pytest.mark.parametrize("text", ["64", "x", "64xlarge"])
def test_a_case_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="invalid literal"):
        Case.parse(text)


def test_json_has_medians_and_their_ratio_to_nginx(report: Report) -> None:
    surehop = json.loads(report.as_json())["cases"]["64x100"]["surehop"]
    assert surehop["median"]["cpu"] == 12.0
    assert surehop["ratio"]["cpu"] == 0.75
    assert surehop["ratio"]["system_calls"] == pytest.approx(5 / 6)
    assert [one["cpu"] for one in surehop["rounds"]] == [12.0, 11.0, 90.0]


def test_markdown_has_a_row_a_proxy_with_ratio_spread_and_calls(report: Report) -> None:
    (row,) = [line for line in report.as_markdown().splitlines() if line.startswith("| surehop")]
    assert "| 12.00 (0.75) 11.00 to 90.00 |" in row
    assert "| 5.00 (0.83): recvfrom 4.00, writev 1.00 |" in row


def test_without_nginx_no_ratio_is_claimed() -> None:
    report = told({"surehop": servers()["surehop"]})
    assert json.loads(report.as_json())["cases"]["64x100"]["surehop"]["ratio"] is None
    assert "| 12.00 11.00 to 90.00 |" in report.as_markdown()
