"""What the control process does about a data process that dies, its start played by the test."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from surehop.conf.loading import loads
from surehop.errors import StartError
from surehop.plan.building import build
from surehop.proxy import control, data
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


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[DataProcess, socket.socket]]:
    """A data process that is nobody, and the end at which it would hear and answer."""
    monkeypatch.setattr(os, "kill", lambda *_: None)
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = DataProcess(1, ours)
        yield process, theirs
        process.forget()


def test_an_answer_that_comes_too_late_is_not_taken_for_the_next(
    asked: tuple[DataProcess, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was stopped while it was asked, and goes on later."""
    process, theirs = asked
    monkeypatch.setattr(data, "_ANSWER_WITHIN", 0.0)
    with pytest.raises(StartError, match="it does not answer"):
        process.reopen([])
    theirs.send(b"1 ok")
    theirs.send(b"2 there is no plan yet")
    with pytest.raises(StartError, match="there is no plan yet"):
        process.reopen([])
    theirs.send(b"3 ok")
    process.reopen([])
    assert [theirs.recv(16) for _ in range(3)] == [b"L1", b"L2", b"L3"]


def test_a_stop_does_not_wait_for_an_answer(asked: tuple[DataProcess, socket.socket]) -> None:
    process, _ = asked
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    try:
        signal.pthread_kill(threading.get_ident(), signal.SIGTERM)
        with pytest.raises(StartError, match="before the stop"):
            process.reopen([])
        assert signal.sigwait([signal.SIGTERM]) == signal.SIGTERM, "it is still to be taken"
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
