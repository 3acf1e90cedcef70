"""What the doctor does where a stream is closed, full or a terminal."""

import os
import pty
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

DOCTOR = [
    str(Path(sys.executable).with_name("surehop")),
    *("doctor", "--offline", "--resolve=localhost=127.0.0.1,[::1]"),
]
TWO = "events {}\nhttp { upstream app { server localhost:3000; } }\n"


@pytest.fixture
def two(tmp_path: Path) -> str:
    path = tmp_path / "nginx.conf"
    path.write_text(TWO)
    return str(path)


@pytest.mark.parametrize(
    ("streams", "target", "code", "said"),
    [
        (">/dev/full", "", 2, "standard output can't be written: no space left on device"),
        (">&-", "", 1, "nginx configuration"),
        ("2>&-", "", 1, "1 warning"),
        ("<&-", "-", 2, "`-` can't be read: it is closed"),
        ("2>&1 | true; exit ${PIPESTATUS[0]}", "", 1, ""),
    ],
)
def test_closed_and_full(two: str, streams: str, target: str, code: int, said: str) -> None:
    line = f'"$@" {streams}'
    done = subprocess.run(
        ["bash", "-c", line, "bash", *DOCTOR, target or two],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )

    assert (done.returncode, "Traceback" in done.stderr) == (code, False), done.stderr
    assert "Exception ignored" not in done.stderr
    assert said in done.stdout + done.stderr


def terminal(words: list[str], columns: int, **environment: str) -> str:
    """What a terminal of so many columns is sent."""
    control, end = pty.openpty()
    inherited = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    variables = {**inherited, "TERM": "xterm", "COLUMNS": str(columns), **environment}
    with os.fdopen(control, "rb", 0) as seen, subprocess.Popen(words, stdout=end, env=variables):
        os.close(end)
        told = b""
        try:
            while more := seen.read(4096):
                told += more
        except OSError:
            pass  # the other end is closed
    return told.decode()


def test_a_terminal_has_colour_and_its_width(two: str) -> None:
    told = terminal([*DOCTOR, two], 60)

    assert "\x1b[33;1mwarning\x1b[0m" in told
    text = re.sub(r"\x1b\[[\d;]*m", "", told).replace("\r", "").split("\n")
    prose = [line for line in text if re.match(r"  [A-Za-z`]", line) and "more:" not in line]
    assert len(prose) > 4
    assert max(map(len, prose)) <= 60


@pytest.mark.parametrize("environment", [{"NO_COLOR": "1"}, {"TERM": "dumb"}])
def test_colour_can_be_declined(two: str, environment: dict[str, str]) -> None:
    assert "\x1b" not in terminal([*DOCTOR, two], 80, **environment)


def test_an_interrupt_is_no_fault(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with (
        subprocess.Popen([*DOCTOR, pipe], stderr=subprocess.PIPE, text=True) as process,
        pipe.open("w"),  # it waits until the doctor has opened it
    ):
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=60)

    assert (process.returncode, told) == (130, "")
