"""Every rule speaks of its fault and is silent without it; healthy files are left alone."""

import re
from pathlib import Path

import pytest
from reading import ids, read, report

from surehop.doctor import RULES, Severity
from surehop.doctor.about import Example, Rule
from surehop.doctor.patching import apply, settle

HEALTHY = sorted((Path(__file__).parent / "healthy").iterdir())
FINDINGS = Path(__file__).parents[2] / "docs/findings"
COUNTED = re.compile(r"\d+ lines of logs were understood, [01] were not$")
EXAMPLES = [
    pytest.param(rule, example, id=f"{rule.about.id}-{number}")
    for rule in RULES
    for number, example in enumerate(rule.about.examples)
]


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_it_speaks_of_its_fault(rule: Rule, example: Example, tmp_path: Path) -> None:
    told = read(tmp_path, example.fires, example)

    (found, *_) = [each for each in told.findings if each.id == rule.about.id]
    assert found.title
    assert found.because
    assert found.place or found.quotes


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_it_is_silent_without_it(rule: Rule, example: Example, tmp_path: Path) -> None:
    told = read(tmp_path, example.quiet, example)

    assert rule.about.id not in ids(told)


@pytest.mark.parametrize(("rule", "example"), EXAMPLES)
def test_its_fix_makes_it_silent(rule: Rule, example: Example, tmp_path: Path) -> None:
    told = read(tmp_path, example.fires, example)
    edits, _ = settle(each for each in told.findings if each.id == rule.about.id)
    if not edits:
        return  # its cure is no edit
    ((file, raw),) = told.documents.items()
    cured = apply(raw, edits[file])

    assert rule.about.id not in ids(read(tmp_path, cured.decode(), example)), cured.decode()


def test_ids_and_names_are_its_own() -> None:
    assert len({rule.about.id for rule in RULES}) == len(RULES)
    assert len({rule.about.name for rule in RULES}) == len(RULES)
    assert [rule.about.id for rule in RULES] == sorted(rule.about.id for rule in RULES)


def test_every_pattern_has_a_rule() -> None:
    ids = [rule.about.id for rule in RULES]

    assert [f"SH{number:03}" for number in range(1, 43)] == ids[:42]
    pages = {path.stem for path in FINDINGS.glob("SH*.md")}
    assert pages == set(ids)


def test_there_are_healthy_files() -> None:
    assert len(HEALTHY) >= 100


@pytest.mark.parametrize("version", [None, "1.18.0", "1.31.5"])
@pytest.mark.parametrize("file", HEALTHY, ids=lambda file: file.stem)
def test_a_healthy_file_is_left_alone(file: Path, version: str | None, tmp_path: Path) -> None:
    names = {
        "frontend.internal": "192.0.2.1",
        "backend.internal": "192.0.2.2,192.0.2.3",
        "app.internal": "192.0.2.4,[2001:db8::4]",
        "localhost": "127.0.0.1,[::1]",
    }
    told = report(tmp_path, file.read_bytes(), names, version=version, file=file.name)

    assert [each.title for each in told.findings if each.severity > Severity.INFO] == []
    assert told.logs.unknown <= told.logs.understood / 50  # a line that no request wrote
    assert [note for note in told.notes if not COUNTED.match(note)] == []
