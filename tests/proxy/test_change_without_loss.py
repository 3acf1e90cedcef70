"""Load that checks every answer, while the configuration and the binary change: nothing is lost."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from surehop.lab.soak.changing import VARIABLES, Changes
from surehop.lab.soak.clients import Clients, Ledger
from surehop.lab.soak.faults import Origins
from surehop.lab.subjects import Program, Subject
from waiting import eventually


@dataclass(slots=True)
class Stage:
    """A subject under the load of a soak's clients, whose answers are in the ledger."""

    subject: Subject
    changes: Changes
    ledger: Ledger

    def meanwhile(self, act: Callable[[], None]) -> None:
        """Do this while the clients ask, and have them ask before and after it."""
        asyncio.run(self._meanwhile(act))

    async def _meanwhile(self, act: Callable[[], None]) -> None:
        clients = Clients(self.subject.port, self.ledger, seed=1)
        clients.start(faulty=False, each=1)
        await self._progress()
        await asyncio.to_thread(act)
        await self._progress()
        await clients.stop()

    async def _progress(self) -> None:
        """Every kind has been served once more."""
        before = self.ledger.good.copy()
        kinds = ("kept", "closing", "large", "upload", "slow", "resting", "aborting")
        async with asyncio.timeout(20):
            while not all(self.ledger.good[kind] > before[kind] for kind in kinds):
                assert not self.ledger.lost, self.ledger.examples
                await asyncio.sleep(0.01)  # leaves the processor to whom it waits for


@pytest.fixture(scope="module")
def origins() -> Iterator[Origins]:
    with Origins(1, faulty=1) as made:
        yield made


@contextmanager
def staged(program: Program, origins: Origins) -> Iterator[Stage]:
    changes = Changes(origins, 1)
    http = changes.http()
    with Subject(program, http, workers=2, variables=VARIABLES) as subject:
        yield Stage(subject, changes, Ledger())


@pytest.fixture
def stage(surehop: Program, origins: Origins) -> Iterator[Stage]:
    with staged(surehop, origins) as made:
        yield made


def told(stage: Stage, what: str) -> int:
    return sum(what in line for line in stage.subject.error_log("notice", normal=True))


def test_reloads_that_change_peers(stage: Stage) -> None:
    """Added, removed and reweighted; each is waited for, so that each has its share of load."""

    def act() -> None:
        for number in range(1, 11):
            stage.changes.reload(stage.subject)
            # One start of worker processes is the first.
            eventually(lambda number=number: told(stage, "start worker processes") > number)  # type: ignore[misc]

    stage.meanwhile(act)
    assert stage.ledger.lost == {}
    assert stage.subject.error_log("error") == []


def test_reopened_logs_lose_no_line(stage: Stage) -> None:
    def act() -> None:
        for number in range(1, 6):
            stage.changes.reopen(stage.subject)
            log = stage.subject.prefix / "logs/access.log"
            eventually(lambda number=number: told(stage, "reopening logs") >= 2 * number)  # type: ignore[misc]
            eventually(log.exists)

    stage.meanwhile(act)
    assert stage.ledger.lost == {}
    logs = "".join(file.read_text() for file in (stage.subject.prefix / "logs").glob("access.log*"))
    numbers = {int(line.rpartition("n=")[2]) for line in logs.splitlines() if "n=-" not in line}
    assert stage.ledger.answered <= numbers


def _number_in(file: Path) -> int:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return 0


def _change_binary(subject: Subject, old: int) -> int:
    """USR2, wait for the new one, QUIT the old one, wait for its end; the new one's number."""
    file = subject.prefix / "subject.pid"
    os.kill(old, signal.SIGUSR2)
    eventually(lambda: _number_in(file) not in (0, old))
    new = _number_in(file)
    eventually(lambda: bool(Path(f"/proc/{new}/task/{new}/children").read_text()))
    os.kill(old, signal.SIGQUIT)
    eventually(lambda: not file.with_name("subject.pid.oldbin").exists(), within=20)
    # As long as its parent is there it takes no USR2 itself.
    eventually(lambda: f"PPid:\t{old}\n" not in Path(f"/proc/{new}/status").read_text())
    return new


@pytest.mark.parametrize("compat", [False, True])
def test_new_binaries(
    surehop: Program, surehop_nginx: Program, origins: Origins, compat: bool
) -> None:
    """Kept-alive clients hear `Connection: close` from the old one, and go to the new one."""
    with staged(surehop_nginx if compat else surehop, origins) as stage:
        newest = stage.subject.pid

        def act() -> None:
            nonlocal newest
            for _ in range(2):
                newest = _change_binary(stage.subject, newest)

        try:
            stage.meanwhile(act)
            assert stage.ledger.lost == {}
            assert stage.subject.error_log("error") == []
        finally:
            if newest != stage.subject.pid:
                os.kill(newest, signal.SIGTERM)
                eventually(lambda: not (stage.subject.prefix / "subject.pid").exists())


def test_a_new_data_process(stage: Stage) -> None:
    """What a process is born with changes: the old one drains while the new one serves."""
    file = stage.subject.prefix / "nginx.conf"

    def act() -> None:
        for count in (700, 800):
            text = file.read_text().partition("worker_rlimit_nofile")[0]
            file.write_text(f"{text}worker_rlimit_nofile {count};\n")
            before = told(stage, "exited with code 0")
            os.kill(stage.subject.pid, signal.SIGHUP)
            eventually(lambda before=before: told(stage, "exited with code 0") > before, within=20)  # type: ignore[misc]

    stage.meanwhile(act)
    assert stage.ledger.lost == {}
    assert stage.subject.error_log("error") == []


def test_quit_loses_nobody_who_is_in(stage: Stage) -> None:
    """Who comes afterwards is refused; who is connected is answered and told, never cut off."""

    async def load() -> None:
        clients = Clients(stage.subject.port, stage.ledger, seed=1)
        clients.start(faulty=False, each=2)
        await stage._progress()
        os.kill(stage.subject.pid, signal.SIGQUIT)
        file = stage.subject.prefix / "subject.pid"
        await asyncio.to_thread(eventually, lambda: not file.exists())
        await clients.stop()

    asyncio.run(load())
    assert stage.ledger.lost, "the port refuses at the end"
    cut_off = [what for what in stage.ledger.lost if "no connection" not in what]
    assert cut_off == []
    assert stage.subject.error_log("error") == []
