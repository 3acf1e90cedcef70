"""The rooms keep to who may import whom, and the contracts bite."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from native import ROOMS, importers, room_of

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "surehop"
SOURCES = shutil.ignore_patterns("*.so", "__pycache__")


@pytest.fixture
def package(tmp_path: Path) -> Path:
    """A copy of the package that a test may break."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    return Path(shutil.copytree(PACKAGE, tmp_path / "surehop", ignore=SOURCES))


def lint(package: Path) -> tuple[int, str]:
    done = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=package.parent,
        env={**os.environ, "PYTHONPATH": str(package.parent)},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def test_the_contracts_are_kept(package: Path) -> None:
    code, told = lint(package)

    assert code == 0, told
    assert "0 broken" in told


@pytest.mark.parametrize(
    ("file", "line", "told"),
    [
        ("events/words.py", "import surehop.errors", "events is not allowed to import"),
        ("conf/values.py", "from surehop.plan import build", "conf is not allowed to import"),
        ("proxy/control.py", "import surehop.lab.ports", "proxy is not allowed to import"),
        ("plan/data.py", "import surehop.proxy.files", "plan is not allowed to import"),
        ("lab/ports.py", "from surehop import cli", "lab is not allowed to import"),
    ],
)
def test_a_forbidden_import_breaks_them(package: Path, file: str, line: str, told: str) -> None:
    path = package / file
    path.write_text(f"{path.read_text()}\n{line}\n")

    code, said = lint(package)

    assert code == 1
    assert f"surehop.{told}" in said


def test_a_room_without_a_place_breaks_them(package: Path) -> None:
    (package / "attic").mkdir()
    (package / "attic" / "__init__.py").touch()

    code, told = lint(package)

    assert code == 1
    assert "surehop.attic" in told or "attic" in told.splitlines()[-1]


def test_only_rooms_that_run_something_import_the_native_module() -> None:
    found = importers(PACKAGE)

    assert found, "somebody does"
    assert {room_of(module) for module in found} <= ROOMS


@pytest.mark.parametrize(
    "line",
    [
        "from surehop import _core",
        "import surehop._core",
        "from surehop._core import vocabulary",
        "from .. import _core",
        "from .._core import vocabulary",
    ],
)
def test_another_importer_is_found(package: Path, line: str) -> None:
    before = importers(package)
    path = package / "conf" / "values.py"
    path.write_text(f"{path.read_text()}\n\ndef late() -> None:\n    {line}\n")

    assert importers(package) - before == {"conf/values.py"}
    assert room_of("conf/values.py") not in ROOMS
