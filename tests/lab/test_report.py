"""The page is whole, needs nobody, and a real browser has nothing to complain of."""

import json
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
from rich.console import Console

from browser import browser
from surehop.cli import main
from surehop.lab.report import (
    Bars,
    Curve,
    Mark,
    NoReportError,
    Report,
    Row,
    Skipped,
    Table,
    Timeline,
    Verdict,
    read_report,
)
from surehop.lab.report.fitting import blocks
from surehop.lab.report.page import write_page
from surehop.lab.report.terminal import show
from surehop.lab.tap.sequence import Arrow, Diagram, Kind, Pause


def made() -> Report:
    report = Report(
        "keepalive-race", "a <title>", "a story", {"scale": "1"}, "2026-01-01 00:00:00 UTC"
    )
    report.tables.append(
        Table("cells", ("T, ms", "axios"), (("900", "9/1"), ("950", "10/0")), frozenset({(0, 1)}))
    )
    points = [(-5.0, 1.0), (0.0, 0.5), (5.0, 1.0)]
    report.plots.append(
        Curve("share", "ms", "part", {"axios": points, "surehop": points}, {"x": 0.0})
    )
    marks = [Mark(0.0, 0.2, False, "GET 200", ((0.1, ""),)), Mark(0.1, 0.3, True, "GET 0")]
    report.plots.append(Timeline("requests", [Row("axios", marks)], [(0.1, 0.2, "down")]))
    report.plots.append(Bars("closed", "connections", ("client", "server"), {"axios": (3, 1)}))
    steps = (Arrow(0.0, 0, 1, "GET /"), Pause(5.0), Arrow(5.0, 1, 0, "RST", Kind.RST))
    report.diagrams.append(Diagram("axios", (("client", "a"), ("origin", "b")), steps, "a note"))
    report.expected = ("SH022",)
    report.verdicts.append(
        Verdict("axios", ("a log",), "SH022", "race", "a <race>", "retry", right=True)
    )
    report.said.append("axios failed")
    report.skipped.append(Skipped("undici", "`undici` not found", "npm install"))
    return report


def test_the_page_needs_nothing_but_itself(tmp_path: Path) -> None:
    write_page(made(), tmp_path / "page.html")
    text = (tmp_path / "page.html").read_text()
    assert text.count("<svg") == 4
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


def test_a_saved_report_is_the_same_again(tmp_path: Path) -> None:
    report = made()
    report.requests.append({"subject": "axios", "status": 200})
    (tmp_path / "run.json").write_text(report.to_json())
    again = read_report(tmp_path / "run.json")
    assert again.to_json() == report.to_json()
    write_page(report, tmp_path / "one.html")
    write_page(again, tmp_path / "other.html")
    assert (tmp_path / "one.html").read_text() == (tmp_path / "other.html").read_text()


def test_the_command_shows_a_saved_report(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "run.json").write_text(made().to_json())
    page = tmp_path / "page.html"
    assert main(["lab", "report", str(tmp_path / "run.json"), "--html", str(page)]) == 0
    told = capsys.readouterr().out
    assert "SH022" in told
    assert "GET /" in told
    assert page.read_text().startswith("<!doctype html>")
    assert main(["lab", "report", str(tmp_path / "none.json")]) == 2
    assert capsys.readouterr().err == (
        f"surehop lab report: can't read `{tmp_path / 'none.json'}`: No such file or directory\n"
    )


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 1}, "is of another version"),
        ({"tables": [{"title": "x"}]}, r"`report.tables\[0\].(columns|rows)` is missing"),
        ({"tables": {}}, "`report.tables` is of another kind"),
        ({"plots": [{"title": "x"}]}, r"`report.plots\[0\]` is none of what is known here"),
        ({"tables": [{"title": "x", "columns": ["a"], "rows": [["b", "c"]]}]}, "2 of 1 columns"),
        (
            {"plots": [{"title": "x", "x": "", "parts": [], "rows": {"a": [1]}, "note": ""}]},
            "1 of 0 parts",
        ),
        (
            {
                "diagrams": [
                    {
                        "title": "x",
                        "actors": [["client", ""]],
                        "steps": [{"at": 0, "source": 0, "target": 1, "text": "", "kind": "plain"}],
                        "note": "",
                    }
                ]
            },
            "between actors that there are not",
        ),
        ({"colour": "red"}, "`report.colour` is unknown"),
        ({"seconds": "long"}, "`report.seconds` is of another kind"),
        ({"measured": {"x": None}}, "`report.measured.x` is of another kind"),
    ],
)
def test_a_damaged_report_is_refused(tmp_path: Path, change: dict[str, object], said: str) -> None:
    path = tmp_path / "run.json"
    path.write_text(json.dumps(json.loads(made().to_json()) | change))
    with pytest.raises(NoReportError, match=said):
        read_report(path)


@pytest.mark.parametrize("text", ["", "[]", '{"a": 1}', "\udcff", "[" * 100_000])
def test_what_is_no_report(tmp_path: Path, text: str) -> None:
    path = tmp_path / "run.json"
    path.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(NoReportError, match="hint: a report as `surehop lab run"):
        read_report(path)


def test_a_wide_table_stands_in_blocks_with_whole_words() -> None:
    names = ("T, ms", *(f"subject-{n}" for n in range(12)), "in its own words")
    row = ("900", *("10/0",) * 12, "RemoteProtocolError: Server disconnected")
    found = list(blocks(Table("x", names, [row]), 78))
    assert [column for block in found for column in block if column] == list(range(1, 14))
    for block in found:
        assert next(iter(block)) == 0, "each block says what a row is about"
        assert sum(block.values()) + 2 * len(block) <= 78
    assert found[-1][13] >= len("RemoteProtocolError:")
    assert list(blocks(Table("x", (), ()), 78)) == [{}]


BARE = """
import sys
sys.modules["matplotlib"] = sys.modules["rich"] = None
from surehop.cli import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize("words", [["list"], ["run", "--help"]])
def test_without_the_extra_there_is_still_a_lab(words: list[str]) -> None:
    argv = [sys.executable, "-c", BARE, "lab", *words]
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL)


WIDTHS = (1280, 390)
# Whatever is wider than its page, and in no box that scrolls.
OVERFLOWING = """[...document.body.querySelectorAll("*")].filter(one => {
    const box = one.getBoundingClientRect();
    return !one.closest(".scroll *") && box.right > document.documentElement.clientWidth + 1;
}).map(one => one.outerHTML.slice(0, 80))"""


@pytest.mark.peers
def test_a_browser_has_nothing_to_complain_of(tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    write_page(made(), page)
    (tmp_path / "broken.html").write_text("<img src=http://127.0.0.1:9/x><p style='width:200vw'>x")
    with browser(tmp_path / "profile") as tab:
        for width in WIDTHS:
            for dark in (False, True):
                tab.open(page, width=width, dark=dark)
                assert tab.evaluate("document.documentElement.scrollWidth") <= width
                assert tab.evaluate(OVERFLOWING) == []
                paper = tab.evaluate("getComputedStyle(document.body).backgroundColor")
                assert (paper == "rgb(255, 255, 255)") is not dark
        assert tab.complaints == []
        assert set(tab.asked) == {page.as_uri()}
        tab.print(tmp_path / "page.pdf")
        tab.open(tmp_path / "broken.html", width=390)
        assert tab.evaluate(OVERFLOWING), "it would have been seen"
        assert "http://127.0.0.1:9/x" in tab.asked, "and that too"
    assert (tmp_path / "page.pdf").read_bytes().startswith(b"%PDF")
