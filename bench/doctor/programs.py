"""Who reads the logs: each as a command that reads one whole file."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
HOME = ROOT / ".cache/bench-doctor"
PACKAGES = ("polars>=1.30,<2",)
# What `rg` looks for: a word that stands in many lines of either log.
WORD = "example.com"
NAMES = ("wc", "ripgrep", "surehop", "polars", "goaccess")
# Takes minutes a round, so one has to do.
ONCE = {"goaccess"}
TITLES = {
    "wc": "`wc -l`",
    "ripgrep": "ripgrep, lines with a word",
    "surehop": "`surehop doctor`",
    "polars": "polars, lines by status or by message",
    "goaccess": "goaccess",
}


@dataclass(frozen=True)
class Sample:
    """Seconds by the clock and of CPU, and the most memory, in MB."""

    wall: float
    cpu: float
    memory: float


class ProgramError(Exception):
    """It is not there, or did not read the log."""


def install() -> None:
    """An environment with polars."""
    python = HOME / "venv/bin/python"
    if python.exists():
        return
    subprocess.run([sys.executable, "-m", "venv", HOME / "venv"], check=True)
    subprocess.run([python, "-m", "pip", "install", "--quiet", *PACKAGES], check=True)


def command(name: str, kind: str, log: Path) -> list[str]:
    """Raises ProgramError where it is not there, or can't read this kind of log."""
    match name:
        case "wc":
            return ["wc", "-l", str(log)]
        case "ripgrep":
            return [_found("rg"), "--count", "--fixed-strings", "--no-mmap", WORD, str(log)]
        case "surehop":
            surehop = str(Path(sys.executable).with_name("surehop"))
            return [surehop, "doctor", "--offline", "--fail-on", "never", str(log)]
        case "polars":
            return [str(HOME / "venv/bin/python"), str(HERE / "with_polars.py"), kind, str(log)]
        case _:
            if kind != "access":
                raise ProgramError("goaccess reads access logs alone")
            words = ["--log-format=COMBINED", "--no-global-config", "--output=json"]
            return [_found("goaccess"), str(log), *words]


def version(name: str) -> str:
    asked = {
        "wc": ["wc", "--version"],
        "ripgrep": ["rg", "--version"],
        "goaccess": ["goaccess", "--version"],
        "surehop": [str(Path(sys.executable).with_name("surehop")), "--version"],
        "polars": [str(HOME / "venv/bin/python"), "-c", "import polars; print(polars.__version__)"],
    }[name]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    return done.stdout.partition("\n")[0].removeprefix(f"{name} ").strip()


def timed(words: list[str], folder: Path) -> Sample:
    """Run it once. Raises ProgramError."""
    said = folder / "said"
    with said.open("wb") as file:
        began = time.monotonic()
        process = subprocess.Popen(
            words, stdout=file, stderr=file, stdin=subprocess.DEVNULL, env=_environment()
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall = time.monotonic() - began
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        text = said.read_text(errors="replace")[-400:]
        raise ProgramError(f"`{words[0]}` ended with {process.returncode}: {text}")
    return Sample(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000)


def _environment() -> dict[str, str]:
    """Programs keep their bytecode, as those that are installed have it."""
    return {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}


def _found(program: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise ProgramError(f"`{program}` is not installed")
    return path
