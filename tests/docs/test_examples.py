"""The worked examples of the docs: blocks with a file's name, each section run by pytest."""

import re
import shutil
import subprocess
import sys
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path

import pytest
from pages import PAGES, Block, blocks_of

NEEDS = re.compile(r"^(?:import|from) (fastapi|httpx|uvicorn)\b", re.MULTILINE)


def sections() -> dict[str, list[Block]]:
    """Blocks with names, by page and heading."""
    found: dict[str, list[Block]] = {}
    for page in PAGES:
        text = page.read_text("utf-8")
        for block in blocks_of(page, text):
            if block.file:
                before = "\n".join(text.split("\n")[: block.line])
                heading = re.findall(r"^## (.*)$", before, re.MULTILINE)[-1]
                found.setdefault(f"{page.name}: {heading}", []).append(block)
    return found


SECTIONS = sections()


@pytest.mark.parametrize("section", list(SECTIONS))
def test_an_example_passes(section: str, tmp_path: Path) -> None:
    blocks = SECTIONS[section]
    for block in blocks:
        for module in NEEDS.findall(block.text):
            if not find_spec(module):
                pytest.skip(f"{module} is not installed")
        if block.language == "javascript" and not shutil.which("node"):
            pytest.skip("node is not installed")
        (tmp_path / str(block.file)).write_text(block.text)
    done = run(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    wanted = sum(block.text.count("def test_") for block in blocks)
    assert wanted
    assert int(re.findall(r"(\d+) passed", done.stdout)[-1]) >= wanted


def test_an_example_that_is_wrong_is_found(tmp_path: Path) -> None:
    (tmp_path / "test_wrong.py").write_text(
        "def test_wrong(origin):\n    assert origin.stats().requests == 1\n"
    )
    assert run(tmp_path).returncode == 1


def test_each_kind_of_user_has_one() -> None:
    assert len(SECTIONS) >= 3


def run(folder: Path) -> "subprocess.CompletedProcess[str]":
    argv = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error"]
    argv += ["--rootdir", str(folder)]
    if not entry_points(group="pytest11", name="surehop"):  # installed before there was a plugin
        argv += ["-p", "surehop.lab.fixtures"]
    return subprocess.run(argv, cwd=folder, capture_output=True, text=True, check=False)
