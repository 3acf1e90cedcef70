"""What is missing on a machine is told, with the command that mends it."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NEED = ROOT / "scripts" / "need.sh"
STEP = ROOT / "scripts" / "step.sh"
# What the scripts themselves use.
TOOLS = ("bash", "sort", "head", "cut", "date", "mktemp", "tail", "rm", "env")


@pytest.fixture
def bin_(tmp_path: Path) -> Path:
    """A PATH with nothing on it but what the scripts use, and Debian's package manager."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for tool in TOOLS:
        (folder / tool).symlink_to(shutil.which(tool) or pytest.fail(f"missing: {tool}"))
    program(folder / "apt-get", "exit 0")
    return folder


def program(path: Path, body: str) -> None:
    path.write_text(f"#!/bin/bash\n{body}\n")
    path.chmod(0o755)


def need(bin_: Path, what: str, **environment: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [NEED, what],
        env={"PATH": str(bin_), **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout.strip(), done.stderr


def test_no_python(bin_: Path) -> None:
    code, _, told = need(bin_, "python")

    assert code == 1
    assert told == (
        "missing: Python 3.11 or later\n"
        "hint: sudo apt-get install python3.11 python3.11-venv, or say which: "
        "make PYTHON=/path/to/python\n"
    )


def test_an_old_python_is_named(bin_: Path) -> None:
    program(bin_ / "python3", "echo 3.9.2")

    assert "missing: Python 3.11 or later (python3 is 3.9.2)\n" in need(bin_, "python")[2]


def test_a_later_python_beside_an_old_one_is_taken(bin_: Path) -> None:
    program(bin_ / "python3", "echo 3.9.2")
    program(bin_ / "python3.12", "echo 3.12.1")

    assert need(bin_, "python") == (0, str(bin_ / "python3.12"), "")


def test_python_3_9_is_older_than_3_11(bin_: Path) -> None:
    program(bin_ / "python3", "echo 3.100.0")

    assert need(bin_, "python")[0] == 0


def test_the_python_that_is_asked_for_is_taken(bin_: Path) -> None:
    assert need(bin_, "python", PYTHON=sys.executable)[:2] == (0, sys.executable)


def test_python_without_venv(bin_: Path) -> None:
    program(bin_ / "python3", '[[ $2 == *ensurepip* ]] && exit 1; echo "3.11.2"')

    code, _, told = need(bin_, "python")

    assert code == 1
    assert told == (
        "missing: the venv module of python3\nhint: sudo apt-get install python3.11-venv\n"
    )


def test_no_c_compiler(bin_: Path) -> None:
    code, _, told = need(bin_, "cc")

    assert code == 1
    assert told.startswith("missing: a C compiler")
    assert told.endswith("hint: sudo apt-get install gcc libc6-dev\n")


def test_another_package_manager(bin_: Path) -> None:
    (bin_ / "apt-get").unlink()
    program(bin_ / "dnf", "exit 0")

    assert need(bin_, "cc")[2].endswith("hint: sudo dnf install gcc\n")


def test_no_cargo(bin_: Path) -> None:
    code, _, told = need(bin_, "cargo")

    assert code == 1
    assert told == (
        "missing: cargo (Rust 1.88 or later)\n"
        "hint: curl --proto '=https' --tlsv1.2 -sSf https://sh.rustup.rs | sh\n"
    )


def test_an_old_cargo(bin_: Path) -> None:
    program(bin_ / "cargo", "echo cargo 1.65.0")
    old = need(bin_, "cargo")
    program(bin_ / "rustup", "exit 0")

    assert old[0] == 1
    assert old[2].startswith("missing: Rust 1.88 or later (cargo is 1.65.0)\nhint: curl ")
    assert need(bin_, "cargo")[2].endswith("hint: rustup update stable\n")


def test_cargo_without_a_toolchain(bin_: Path) -> None:
    program(bin_ / "cargo", "exit 1")

    assert need(bin_, "cargo")[2] == (
        "missing: a Rust toolchain for cargo\nhint: rustup default stable\n"
    )


def test_what_is_needed_is_what_is_declared() -> None:
    script = NEED.read_text()
    cargo = (ROOT / "Cargo.toml").read_text()
    package = (ROOT / "pyproject.toml").read_text()

    for version, source in (("1.88", 'rust-version = "{}"'), ("3.11", 'requires-python = ">={}"')):
        assert f"={version}\n" in script
        assert source.format(version) in cargo + package


def step(bin_: Path, *arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [STEP, *arguments], env={"PATH": str(bin_)}, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout, done.stderr


def test_a_step_is_one_line(bin_: Path) -> None:
    code, out, err = step(bin_, "making it", "bash", "-c", "echo talk; echo more >&2")

    assert code == 0
    assert out.startswith("== making it … ")
    assert out.endswith(" s\n")
    assert out.count("\n") == 1
    assert err == ""


def test_a_step_that_fails_shows_why(bin_: Path) -> None:
    code, out, err = step(bin_, "making it", "bash", "-c", "echo because >&2; exit 3")

    assert code == 3
    assert "failed after" in out
    assert err == "$ bash -c echo because >&2; exit 3\nbecause\n"


def test_a_loud_step_shows_all(bin_: Path) -> None:
    code, out, _ = step(bin_, "--loud", "making it", "bash", "-c", "echo talk; exit 4")

    assert code == 4
    assert "talk\n" in out
