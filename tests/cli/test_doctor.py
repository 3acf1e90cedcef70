"""`surehop doctor`: what it prints and how it exits."""

import json
from pathlib import Path
from typing import Any

import pytest

from surehop.cli import main

DOCTOR_PAGE = Path(__file__).parents[2] / "docs/doctor.md"
RESOLVE = "--resolve=localhost=127.0.0.1,[::1]"
TWO = "events {}\nhttp { upstream app { server localhost:3000; } }\n"


@pytest.fixture
def two(tmp_path: Path) -> Path:
    path = tmp_path / "nginx.conf"
    path.write_text(TWO)
    return path


def run(*words: object) -> int:
    return main(["doctor", "--offline", *map(str, words)])


def test_exit_codes(two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    clean = tmp_path / "clean.conf"
    clean.write_text("events {}\nhttp { upstream app { server 127.0.0.1:3000; } }\n")

    assert run(clean, RESOLVE) == 0
    assert run(two, RESOLVE) == 1
    assert run(two, RESOLVE, "--fail-on=error") == 0
    assert run(two, RESOLVE, "--fail-on=never") == 0
    assert run(tmp_path / "missing") == 2
    assert run("--format=unheard", two) == 2
    assert run("--resolve=nonsense", two) == 2
    assert run("--nginx-version=new", two) == 2
    assert "hint: " in capsys.readouterr().err


def test_a_fault_of_our_own(
    two: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("oh")

    monkeypatch.setattr("surehop.doctor.examine", broken)

    assert run(two) == 3
    assert "internal fault: ZeroDivisionError" in capsys.readouterr().err


def test_a_baseline_keeps_back_what_is_known(
    two: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    known = tmp_path / "known.json"

    assert run(two, RESOLVE, "--write-baseline", known) == 0
    two.write_text("# a line more\n" + TWO)
    assert run(two, RESOLVE, "--baseline", known) == 0
    assert "nothing found, 1 kept back" in capsys.readouterr().out
    two.write_text(TWO.replace("3000", "3001"))
    assert run(two, RESOLVE, "--baseline", known) == 1
    known.write_text("{}")
    assert run(two, "--baseline", known) == 2


@pytest.mark.parametrize("word", ["SH001", "sh001", "name-resolves-to-two-families"])
def test_a_finding_is_explained(word: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--explain", word) == 0
    told = capsys.readouterr().out
    assert told.startswith("# SH001 name-resolves-to-two-families\n")
    assert "**What to do**" in told


def test_what_is_no_finding_is_not_explained(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--explain", "SH999") == 2
    assert "there is no finding `SH999`" in capsys.readouterr().err


def test_fix(two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(two, RESOLVE, "--fix") == 1

    assert two.read_text() == TWO.replace("localhost", "127.0.0.1")
    assert two.with_name(".nginx.conf.orig").read_text() == TWO
    assert "as it was" in capsys.readouterr().err
    assert run(two, RESOLVE) == 0


def test_text_has_no_colour_where_nobody_sees_it(
    two: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run(two, RESOLVE)

    told = capsys.readouterr()
    assert told.out.startswith(f"{two}:2:30: warning: `localhost:3000` is 2 servers: ")
    assert "\x1b" not in told.out
    assert told.err == f"{two}: nginx configuration\n"


def printed(capsys: pytest.CaptureFixture[str], *words: object) -> str:
    capsys.readouterr()
    assert run(*words, RESOLVE) == 1
    return capsys.readouterr().out


def test_json_and_sarif(two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told: dict[str, Any] = json.loads(printed(capsys, two, "--format=json"))
    (found,) = told["findings"]
    assert found["id"] == "SH001"
    assert found["place"] == {"file": str(two), "line": 2, "column": 30}
    assert found["edits"] == [{"file": str(two), "start": 39, "end": 48, "text": "127.0.0.1"}]

    sarif: dict[str, Any] = json.loads(printed(capsys, two, "--format=sarif"))
    (result,) = sarif["runs"][0]["results"]
    assert result["ruleId"] == "SH001"
    assert result["locations"][0]["physicalLocation"]["region"] == {
        "startLine": 2,
        "startColumn": 30,
    }


def test_the_page_has_every_field_of_json(two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told: dict[str, Any] = json.loads(printed(capsys, two, "--format=json"))
    page = DOCTOR_PAGE.read_text()

    fields = {*told, *told["findings"][0], *told["lines"], *told["targets"][0]}
    fields |= {*told["findings"][0]["place"], *told["findings"][0]["edits"][0]}
    assert [each for each in fields if f"`{each}`" not in page] == []


@pytest.mark.parametrize("form", ["text", "json", "sarif", "markdown", "html"])
def test_a_hostile_name_stays_text(
    two: Path, form: str, capsys: pytest.CaptureFixture[str]
) -> None:
    hostile = b"events {} http { upstream '<script>\x1b[2J\xff``|' { server localhost:1; } }"
    two.write_bytes(hostile)

    told = printed(capsys, two, f"--format={form}")

    assert "\x1b" not in told
    assert form != "html" or "<script>" not in told
    assert told.encode()
