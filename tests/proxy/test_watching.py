"""What the control process does about a data process that dies, its start played by the test."""

import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from surehop.conf import loads
from surehop.errors import StartError
from surehop.plan import build
from surehop.proxy import control
from surehop.proxy.data import DataProcess, Terms
from surehop.proxy.journal import Journal
from surehop.proxy.options import Options
from surehop.proxy.setup import Setup


class Told(Journal):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[tuple[str, str]] = []

    def write(self, level: str, text: str, *, hint: str | None = None) -> None:
        if level != "notice":
            self.lines.append((level, f"{text}{hint or ''}"))


def watching(told: Told, monkeypatch: pytest.MonkeyPatch) -> control.Control:
    """A control process whose configuration is empty."""
    model = loads(b"events {}", file="nginx.conf", prefix="/")
    plan = build(model, resolve=lambda _: [], resilience_default=True, version="0")
    monkeypatch.setattr(Setup, "journal", lambda *_: told)
    options = Options(prefix=Path(), configuration="nginx.conf", resilience=True)
    return control.Control(
        options, Setup(model, plan, Terms(None, {}, None), {}, []), successor=False
    )


@pytest.fixture
def starts(monkeypatch: pytest.MonkeyPatch) -> Callable[[list[object]], None]:
    """Have the coming starts give these, or raise them; pauses take no time."""

    def script(results: list[object]) -> None:
        def start(*_: object) -> object:
            result = results.pop(0)
            if isinstance(result, Exception):
                raise result
            return result

        monkeypatch.setattr(DataProcess, "start", start)

    monkeypatch.setattr(control, "_PAUSE", 0.0)
    return script


def test_a_start_that_fails_is_tried_again(
    starts: Callable[[list[object]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It died before it said that it runs: service comes back all the same."""
    ours, theirs = socket.socketpair()
    process = DataProcess(4711, ours)
    starts(
        [StartError("the data process could not start: it ended"), OSError(11, "later"), process]
    )
    told = Told()
    found = watching(told, monkeypatch)
    found._start_again()
    assert found._process is process
    assert told.lines == [
        ("alert", "the data process could not start: it ended, it is tried again"),
        ("alert", "[Errno 11] later, it is tried again"),
    ]
    process.forget()
    theirs.close()


def test_a_stop_ends_the_trying(
    starts: Callable[[list[object]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    starts([StartError("no")] * 3)
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    try:
        # To this thread, which alone holds it back: any other would end by it, and all with it.
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        with pytest.raises(StartError, match="stopped"):
            watching(Told(), monkeypatch)._start_again()
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])


def test_nobody_is_killed_by_the_number_of_one_who_is_gone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The number of a process that was waited for may be a stranger's."""
    ours, theirs = socket.socketpair()
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda pid, _: killed.append(pid))
    DataProcess(1, ours).forget()
    assert killed == []
    assert theirs.recv(1) == b"", "it is let go"
    theirs.close()
