"""How far a long log is read: on terminals, and only where it takes its time."""

import sys

import pytest

from surehop.cli import progress


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    now = [0.0]
    monkeypatch.setattr("surehop.cli.progress.time.monotonic", lambda: now[0])
    return now


def test_what_is_quick_needs_no_word(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    told = progress.Progress()
    clock[0] = 1.9
    told("error.log", 5, 10)
    told.clear()

    assert capsys.readouterr().err == ""


def test_one_line_that_is_taken_away(
    clock: list[float], capsys: pytest.CaptureFixture[str]
) -> None:
    told = progress.Progress()
    for at, done, size in ((2.0, 5, 10), (2.05, 6, 10), (3.0, 7_000_000, None)):
        clock[0] = at
        told("a\x1b.log", done, size)
    told.clear()

    first, second, last = capsys.readouterr().err.split("\r\x1b[K")[1:]
    assert (first, second, last) == ("a\\x1b.log: 50 %", "a\\x1b.log: 7 MB", "")


def test_elsewhere_there_is_none() -> None:
    assert not sys.stderr.isatty()
    assert progress.on_terminal() is None
