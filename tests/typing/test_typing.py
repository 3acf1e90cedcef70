"""What users write, as mypy --strict and pyright (strict) see it."""

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from missing import missing

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
PYRIGHT = [sys.executable, "-m", "pyright", "--outputjson", "--pythonpath", sys.executable]
MARK = re.compile(r"# wrong\b")


def mypy(file: Path, folder: Path) -> set[int]:
    """The lines that mypy --strict finds wrong."""
    command = [sys.executable, "-m", "mypy", "--strict", "--no-error-summary"]
    command += ["--hide-error-context", "--no-pretty", f"--cache-dir={folder / 'mypy'}"]
    # Not as a user has it installed: an editable package is found by its path alone.
    done = run([*command, "--config-file=", str(file)], MYPYPATH=str(ROOT / "src"))
    assert done.returncode in (0, 1), done.stdout + done.stderr
    found = re.findall(rf"^(.*{re.escape(file.name)}):(\d+): error: ", done.stdout, re.MULTILINE)
    others = [line for line in done.stdout.splitlines() if ": error: " in line]
    assert len(others) == len(found), done.stdout
    return {int(line) for _, line in found}


def pyright(file: Path, folder: Path) -> set[int]:
    """The lines that pyright in strict mode finds wrong."""
    folder = folder / file.stem
    folder.mkdir()
    shutil.copy(file, folder)
    (folder / "pyrightconfig.json").write_text(
        json.dumps(
            {
                "extraPaths": [str(ROOT / "src")],
                "pythonVersion": "3.11",
                "typeCheckingMode": "strict",
                # A line that is only there to be refused.
                "reportUnusedExpression": False,
                "reportUnusedCoroutine": False,
                "reportUnknownMemberType": False,
            }
        )
    )
    try:
        done = run(
            [*PYRIGHT, "-p", str(folder)],
            PYRIGHT_PYTHON_IGNORE_WARNINGS="1",
        )
        told = json.loads(done.stdout)
    except (ValueError, OSError):
        missing("pyright, which fetches Node when it runs for the first time")
    return {
        found["range"]["start"]["line"] + 1
        for found in told["generalDiagnostics"]
        if found["severity"] == "error"
    }


def run(command: list[str], **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env={**os.environ, **environment},
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all, since what a checker has learned is kept there."""
    return tmp_path_factory.mktemp("typing")


CHECKERS = pytest.mark.parametrize("check", [mypy, pyright])


@CHECKERS
def test_what_is_right(check: Callable[[Path, Path], set[int]], folder: Path) -> None:
    assert check(HERE / "right.py", folder) == set()


@CHECKERS
def test_what_is_wrong(check: Callable[[Path, Path], set[int]], folder: Path) -> None:
    file = HERE / "wrong.py"
    lines = file.read_text("utf-8").splitlines()
    marked = {number for number, line in enumerate(lines, 1) if MARK.search(line)}

    assert len(marked) > 30
    assert check(file, folder) == marked
