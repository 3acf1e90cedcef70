"""What `--help` says of each command, as it is read. SUREHOP_HELP=write takes what is said now."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HELP = Path(__file__).parent / "help"
COMMANDS = [
    "",
    "doctor",
    "probe",
    "lab",
    "lab origin",
    "lab subjects",
    "lab list",
    "lab run",
    "lab report",
    "lab tap",
]
# argparse words and breaks lines otherwise in later Pythons; one is enough to see a change.
WORDED_BY = (3, 11), (3, 12)


@pytest.mark.skipif(sys.version_info[:2] not in WORDED_BY, reason="argparse's words are a 3.11's")
@pytest.mark.parametrize("command", COMMANDS)
def test_help(command: str) -> None:
    program = Path(sys.executable).with_name("surehop")
    told = subprocess.run(
        [program, *command.split(), "--help"],
        env={**os.environ, "COLUMNS": "100", "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    file = HELP / f"{command.replace(' ', '-') or 'surehop'}.txt"
    if os.environ.get("SUREHOP_HELP") == "write":
        file.write_text(told)
    assert told == file.read_text()


def test_no_help_is_left_over() -> None:
    names = {command.replace(" ", "-") or "surehop" for command in COMMANDS}
    assert {file.stem for file in HELP.iterdir()} == names
