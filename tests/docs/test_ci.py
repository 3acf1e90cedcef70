"""The hook and the workflow say commands that do what the page says."""

import json
import re
import shlex
from pathlib import Path

import pytest
from pages import ROOT, blocks

from surehop.cli import main

TWO = "events {}\nhttp { upstream app { server localhost:3000; } }\n"
BLOCKS = [each for each in blocks("yaml") if each.page.name == "ci.md"]
HOOK = (ROOT / ".pre-commit-hooks.yaml").read_text("utf-8")


def value(key: str) -> str:
    """What a line of the hook says, without its comment."""
    found = re.search(rf"^(?:- |  ){key}: (?P<value>.*?)(?: #.*)?$", HOOK, re.MULTILINE)
    assert found, key
    return found["value"]


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """One with a fault in it."""
    (tmp_path / "deploy").mkdir()
    (tmp_path / "deploy/nginx.conf").write_text(TWO)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_hook_finds_a_fault(repository: Path) -> None:
    program, *words = shlex.split(value("entry"))

    assert program == "surehop"
    assert main([*words, "deploy/nginx.conf"]) == 1
    (repository / "deploy/nginx.conf").write_text(TWO.replace("localhost", "127.0.0.1"))
    assert main([*words, "deploy/nginx.conf"]) == 0


@pytest.mark.parametrize(
    ("file", "taken"),
    [
        ("nginx.conf", True),
        ("deploy/nginx-prod.conf", True),
        ("nginx/conf.d/app.conf", True),
        ("etc/haproxy.cfg", True),
        ("setup.cfg", False),
        ("redis.conf", False),
        ("nginx.md", False),
    ],
)
def test_the_hook_takes_what_is_nginxs_and_haproxys(file: str, *, taken: bool) -> None:
    assert bool(re.search(value("files"), file)) is taken


def test_the_page_names_the_hook() -> None:
    block, _ = BLOCKS

    assert f"- id: {value('id')}\n" in block.text


def test_the_workflow_uploads_what_it_writes(
    repository: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _, block = BLOCKS
    (run,) = re.findall(r"- run: surehop (.*) > findings\.sarif$", block.text, re.MULTILINE)
    assert "sarif_file: findings.sarif\n" in block.text

    assert main(shlex.split(run)) == 1

    (result,) = json.loads(capsys.readouterr().out)["runs"][0]["results"]
    location = result["locations"][0]["physicalLocation"]
    assert location["artifactLocation"]["uri"] == "deploy/nginx.conf"
