"""`surehop doctor --watch`, as it is run."""

import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from surehop.cli import main
from surehop.doctor.log_views import line

REFUSED = line("connect() failed (111: Connection refused)", "connecting", "192.0.2.1:80")
RESET = line("recv() failed (104: Connection reset by peer)", "reading", "192.0.2.1:80")


@contextmanager
def watching(log: Path, *words: str) -> Iterator[Iterator[str]]:
    """Its lines as they come; it is interrupted in the end, and says that there were findings."""
    program = Path(sys.executable).with_name("surehop")
    command = [str(program), "doctor", "--watch", *words, str(log)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield iter(process.stdout)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 1


def test_what_is_new_is_told_as_it_comes(tmp_path: Path) -> None:
    log = tmp_path / "error.log"
    log.write_text(REFUSED)
    with watching(log) as lines:
        assert "SH044" in next(lines)
        assert next(each for each in lines if each.startswith("1 error")) == "1 error\n"
        with log.open("a") as file:
            file.write(RESET)
        assert next(lines).endswith(" new\n")
        assert "SH005" in next(lines)


def test_changes_as_json(tmp_path: Path) -> None:
    log = tmp_path / "error.log"
    log.write_text(REFUSED)
    with watching(log, "--format=json") as lines:
        known = json.loads(next(lines))
        with log.open("a") as file:
            file.write(REFUSED)
        again = json.loads(next(lines))

    assert (known["event"], known["finding"]["id"]) == ("known", "SH044")
    assert (again["event"], again["finding"]["id"]) == ("again", "SH044")
    assert again["at"]


@pytest.mark.parametrize("word", ["--fix", "--write-baseline=x", "--format=html"])
def test_what_can_not_be_watched(
    word: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = tmp_path / "error.log"
    log.write_text(REFUSED)

    assert main(["doctor", "--watch", word, str(log)]) == 2
    assert "`--watch` " in capsys.readouterr().err
