"""The pages that are made from tables are what the tables say, and speak of everything."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from pages import ROOT, blocks

from surehop.conf.known import NGINX_DIRECTIVES
from surehop.conf.table import RESILIENCE, RESILIENCE_RULES, TABLE

core = pytest.importorskip("surehop._core")
# A line of an error log: its words up to what differs from line to line.
LOGGED = re.compile(
    r"\[(?:error|warn|notice|info)\]\s+(?:\*\d+ )?([^(\d…,]+?)(?= while |[(\d…,\[])"
)
OURS = {*RESILIENCE, "surehop_status"}
SCRIPT = ROOT / "scripts" / "reference.py"


def reference(*arguments: str) -> tuple[int, str]:
    command = [sys.executable, str(SCRIPT), *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return done.returncode, done.stderr


def test_generated_pages_are_current() -> None:
    assert reference("--check") == (0, "")


def test_an_old_page_is_found(tmp_path: Path) -> None:
    assert reference("--out", str(tmp_path))[0] == 0
    assert reference("--out", str(tmp_path), "--check") == (0, "")
    page = tmp_path / "vocabulary.md"
    page.write_text(page.read_text().replace("`reused_closed`", "`stale`"))

    code, told = reference("--out", str(tmp_path), "--check")

    assert code == 1
    assert told == f"{page} is out of date\nhint: make docs\n"


def test_every_directive_stands_in_the_reference() -> None:
    page = (ROOT / "docs" / "directives.md").read_text()

    assert [name for name in TABLE if f"`{name}`" not in page] == []


def test_every_directive_of_nginx_has_its_fate() -> None:
    page = (ROOT / "docs" / "nginx.md").read_text()

    assert len(NGINX_DIRECTIVES) > 700
    assert [name for name in NGINX_DIRECTIVES if f"`{name}`" not in page] == []
    assert [name for name in TABLE if name not in NGINX_DIRECTIVES and name not in OURS] == []


def test_every_variable_stands_in_the_reference() -> None:
    page = (ROOT / "docs" / "variables.md").read_text()

    assert [name for name in core.variables() if f"`${name}" not in page] == []


def test_every_rule_of_resilience_has_its_page() -> None:
    folder = ROOT / "docs" / "resilience"
    pages = {path.stem: path.read_text() for path in folder.glob("*.md")}
    home = {rule: "attribution" if rule == "replay_keyed" else rule for rule in RESILIENCE_RULES}

    assert set(pages) == {*home.values(), "README"}
    for rule, page in home.items():
        assert f"resilience_{rule} " in pages[page]
        assert f"# surehop: resilience_{rule} " in pages[page]
        assert f"resilience_{rule}" in pages["README"]


def test_every_field_of_the_status_is_explained() -> None:
    page = (ROOT / "docs" / "status.md").read_text()
    source = (ROOT / "crates" / "proxy" / "src" / "status.rs").read_text()
    fields = {part.split('":')[0].split('"')[-1] for part in source.split(",") if '":' in part}

    assert len(fields) > 20
    assert [field for field in fields if f"`{field}`" not in page] == []


def test_log_lines_are_those_of_the_proxy() -> None:
    texts = [block.text for block in blocks("text")]
    lines = [line for text in texts for line in text.splitlines() if LOGGED.search(line)]
    said = {found[1].strip() for line in lines if (found := LOGGED.search(line))}
    sources = "".join(path.read_text() for path in (ROOT / "crates/proxy/src").glob("*.rs"))
    spoken = re.sub(r"\\\n\s*", "", sources)

    assert len(said) >= 5
    assert [words for words in said if words not in spoken] == []
