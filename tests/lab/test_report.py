"""The page is whole, needs nobody, and a real browser has nothing to complain of."""

import re
import shutil
import subprocess
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from missing import missing
from surehop.lab.report import Curve, Mark, Report, Row, Skipped, Table, Timeline, show, write_page


def made() -> Report:
    report = Report(
        "keepalive-race", "a <title>", "a story", {"scale": "1"}, "2026-01-01 00:00:00 UTC"
    )
    report.tables.append(
        Table("cells", ("T, ms", "axios"), (("900", "9/1"), ("950", "10/0")), frozenset({(0, 1)}))
    )
    points = [(-5.0, 1.0), (0.0, 0.5), (5.0, 1.0)]
    report.plots.append(
        Curve("share", "ms", "part", {"axios": points, "surehop": points}, {"x": 0})
    )
    marks = [Mark(0.0, 0.2, False, "GET 200", ((0.1, ""),)), Mark(0.1, 0.3, True, "GET 0")]
    report.plots.append(Timeline("requests", [Row("axios", marks)], [(0.1, 0.2, "down")]))
    report.said.append("axios failed")
    report.skipped.append(Skipped("undici", "`undici` not found", "npm install"))
    return report


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    write_page(made(), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert text.count("<svg") == 2
    assert "a &lt;title&gt;" in text
    assert "<script" not in text
    loaded = re.findall(r'(?:src|(?<!xlink:)href)="(?!#|data:)([^"]*)"|url\((?!#)([^)]*)\)', text)
    assert loaded == []
    ids = Counter(re.findall(r'\bid="([^"]*)"', text))
    assert [name for name, count in ids.items() if count > 1] == []
    assert set(re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', text))
    for one, other in re.findall(r'href="#([^"]*)"|url\(#([^)]*)\)', text):
        assert (one or other) in ids


def test_a_partial_report_says_so(tmp_path: Path) -> None:
    report = made()
    report.partial = "ended by Ctrl-C after 1.0 s"
    write_page(report, tmp_path / "page.html")
    assert "This report is partial: ended by Ctrl-C" in (tmp_path / "page.html").read_text()
    console = Console(width=80, record=True, file=(tmp_path / "out").open("w"))
    with console.file:
        show(report, console)
    told = console.export_text()
    assert "partial: ended by Ctrl-C after 1.0 s" in told
    assert "skipped undici: `undici` not found" in told
    assert "9/1" in told


def looked_at(page: Path, profile: Path) -> tuple[str, list[str]]:
    """The page as the browser has it, and what its console says."""
    program = shutil.which("chromium") or missing("Chromium (apt-get install chromium)")
    done = subprocess.run(
        [
            program,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            f"--user-data-dir={profile}",
            "--enable-logging=stderr",
            "--dump-dom",
            page.as_uri(),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


@pytest.mark.peers
def test_a_browser_has_nothing_to_complain_of(tmp_path: Path) -> None:
    write_page(made(), tmp_path / "page.html")
    seen, console = looked_at(tmp_path / "page.html", tmp_path / "profile")
    assert console == []
    assert seen.count("<svg") == 2
    assert seen.count("<table>") == 1

    (tmp_path / "broken.html").write_text("<script>console.error('no')</script>")
    _, console = looked_at(tmp_path / "broken.html", tmp_path / "profile")
    assert len(console) == 1, "a complaint would have been seen"
