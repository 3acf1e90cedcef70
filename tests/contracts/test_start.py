"""Who starts a command does not wait for what it does not use."""

import subprocess
import sys
from pathlib import Path

import pytest

LINE = (
    "2026/01/05 10:00:00 [error] 11#11: *7 no live upstreams while connecting to upstream,"
    ' client: 192.0.2.1, server: example.com, request: "GET / HTTP/1.1", upstream: "http://app/"\n'
)
TWO = "events {}\nhttp { upstream app { server localhost:3000; } }\n"
# The least that each takes is milliseconds; together they take longer than all that is needed.
TLS = {"ssl", "_hashlib", "surehop.doctor.probing.several", "surehop.client.url"}
WAITING = {"asyncio", "threading", "concurrent.futures", "selectors"}
CLASSES = {"dataclasses", "inspect", "surehop.events.attempt"}  # made by compiling text
SHOWING = {"rich", "html", "datetime", "textwrap", "statistics", "surehop.doctor.render.markup"}
MODEL = {"surehop.conf.model", "surehop.conf.table", "surehop.plan.data", "surehop.lab"}
METADATA = {"importlib.metadata", "email"}
DOCTOR = TLS | WAITING | CLASSES | SHOWING | MODEL | METADATA | {"surehop.client"}


COMMAND = "from surehop.cli import main; sys.exit(main())"
AT_THE_END = (
    "import atexit, sys; atexit.register(lambda: print('\\n', *sys.modules, file=sys.stderr))"
)


def modules(code: str, *words: object) -> set[str]:
    """What is imported when the code has run; its output goes nowhere."""
    script = f"{AT_THE_END}\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", script, *map(str, words)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    return set(done.stderr.splitlines()[-1].split())


def test_the_doctor_on_a_log(tmp_path: Path) -> None:
    log = tmp_path / "error.log"
    log.write_text(LINE * 9)

    loaded = modules(COMMAND, "doctor", log)

    assert {"surehop.doctor.rules.no_live", "surehop.doctor.render.text"} <= loaded
    assert not loaded & {*DOCTOR, "difflib", "socket"}


def test_the_doctor_on_a_configuration(tmp_path: Path) -> None:
    file = tmp_path / "nginx.conf"
    file.write_text(TWO)

    loaded = modules(COMMAND, "doctor", "--resolve=localhost=127.0.0.1,[::1]", file)

    assert "difflib" in loaded, "there is a fix to show"
    assert not loaded & {*DOCTOR, "socket"}


@pytest.mark.parametrize(
    ("code", "words", "without"),
    [
        ("import surehop", (), {"typing", "re", "surehop.client", "surehop.errors"}),
        ("import surehop.errors", (), {*CLASSES, "surehop.client"}),
        (COMMAND, ("--help",), {*METADATA, "surehop.doctor", "surehop.proxy", "surehop.lab"}),
        (COMMAND, ("proxy", "-v"), {"surehop.client", "surehop.doctor", "surehop.lab", "ssl"}),
    ],
)
def test_others(code: str, words: tuple[str, ...], without: set[str]) -> None:
    assert not modules(code, *words) & without
