"""A soak from its start to its verdict."""

import asyncio
import json
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from surehop.lab.soak import watching
from surehop.lab.soak.changing import VARIABLES, Changes
from surehop.lab.soak.clients import Clients, Ledger
from surehop.lab.soak.faults import Origins
from surehop.lab.soak.watching import Sample
from surehop.lab.subjects import Program, Subject

_RELOAD_EVERY = 1.0
_REOPEN_EVERY = 3.0
_TROUBLE_EVERY = 1.5
_TROUBLE_LASTS = 1.0
_QUIET_WITHIN = 40.0  # seconds until everything is back where it began
_MEMORY_MAY_GROW = 16 << 20
# What no fault excuses in the error log.
_SEVERE = "crit"


@dataclass(slots=True)
class Report:
    """How it went. findings: what is not as it should be; none is a pass."""

    seed: int
    seconds: float = 0.0
    whole: bool = False
    findings: list[str] = field(default_factory=list)
    figures: dict[str, Any] = field(default_factory=dict)

    @property
    def passed(self) -> bool:
        return self.whole and not self.findings

    def text(self) -> str:
        lines = [f"soak: {self.seconds:.0f} s, seed {self.seed}{'' if self.whole else ', partial'}"]
        lines += [f"  {name}: {value}" for name, value in self.figures.items()]
        lines += [f"  wrong: {finding}" for finding in self.findings]
        verdict = "passed" if self.passed else "failed" if self.findings else "not finished"
        return "\n".join([*lines, f"soak: {verdict}"])

    def to_json(self) -> str:
        told = {"seed": self.seed, "seconds": round(self.seconds, 1), "whole": self.whole}
        return json.dumps({**told, "findings": self.findings, "figures": self.figures}, indent=2)


class Soak:
    """One soak of a program. told: hears a line of progress now and then."""

    def __init__(
        self,
        program: Program,
        *,
        seconds: float,
        seed: int,
        workers: int = 2,
        clients: int = 2,
        told: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._program = program
        self._for = seconds
        self._seed = seed
        self._workers = workers
        self._clients = clients
        self._told = told
        self.report = Report(seed)
        self._ledger = Ledger()
        self._samples: list[Sample] = []
        self._begun = 0.0

    def run(self) -> Report:
        """Run it. What was found by then is in `report` if it is interrupted."""
        with Origins(self._seed) as origins:
            changes = Changes(origins, self._seed)
            with Subject(
                self._program, changes.http(), workers=self._workers, variables=VARIABLES
            ) as subject:
                try:
                    asyncio.run(self._soak(subject, origins, changes))
                    self.report.whole = True
                finally:
                    self._summarise(subject, origins, changes)
        return self.report

    async def _soak(self, subject: Subject, origins: Origins, changes: Changes) -> None:
        pid = watching.data_process(subject.pid)
        self._begun = time.monotonic()
        before = watching.sample(pid, 0.0), watching.sample(subject.pid, 0.0)
        clients = Clients(subject.port, self._ledger, self._seed, origins.allowed)
        clients.start(each=self._clients)
        stop = asyncio.Event()
        jobs = [
            asyncio.create_task(_every(stop, _RELOAD_EVERY, lambda: changes.reload(subject))),
            asyncio.create_task(_every(stop, _REOPEN_EVERY, lambda: changes.reopen(subject))),
            asyncio.create_task(self._trouble(stop, origins)),
            asyncio.create_task(_every(stop, 1.0, lambda: self._look(pid, changes))),
        ]
        done, _ = await asyncio.wait(jobs, timeout=self._for, return_when="FIRST_EXCEPTION")
        for job in done:
            job.result()
        stop.set()
        await asyncio.gather(*jobs)
        await clients.stop()
        self._find(pid != watching.data_process(subject.pid), "the data process was replaced")
        await asyncio.to_thread(self._settle, subject, pid, before)

    async def _trouble(self, stop: asyncio.Event, origins: Origins) -> None:
        while not await _passes(stop, _TROUBLE_EVERY - _TROUBLE_LASTS):
            heal = await asyncio.to_thread(origins.trouble)
            await _passes(stop, _TROUBLE_LASTS)
            await asyncio.to_thread(heal)

    def _look(self, pid: int, changes: Changes) -> None:
        at = time.monotonic() - self._begun
        now = watching.sample(pid, at)
        self._samples.append(now)
        ledger = self._ledger
        self._told(
            f"{at:4.0f} s  {ledger.total} requests, {ledger.excused.total()} excused,"
            f" {ledger.lost.total()} lost  {changes.reloads} reloads  {now.memory >> 20} MiB,"
            f" {now.descriptors} descriptors"
        )

    def _settle(self, subject: Subject, pid: int, both: tuple[Sample, Sample]) -> None:
        """All is quiet: what was taken must be given back, and what was counted must agree."""
        before, control = both
        deadline = time.monotonic() + _QUIET_WITHIN
        asked = 0
        while True:
            told = watching.status(subject.port)
            asked += 1
            now = watching.sample(pid, time.monotonic() - self._begun)
            # Who asks for the status is the one client that there is.
            wrong = {
                f"{told['clients']} clients are counted, 1 is there": told["clients"] != 1,
                f"{watching.active(told)} requests count as under way": watching.active(told) != 0,
                f"{now.descriptors} descriptors, {before.descriptors} at the start": (
                    now.descriptors > before.descriptors
                ),
                f"{now.threads} threads, {before.threads} at the start": (
                    now.threads != before.threads
                ),
            }
            if not any(wrong.values()) or time.monotonic() > deadline:
                break
            time.sleep(0.1)
        self._samples.append(now)
        for what, so in wrong.items():
            self._find(so, what)
        ruling = watching.sample(subject.pid, 0.0)
        more = ruling.descriptors - control.descriptors
        self._find(more > 0, f"the control process has {more} descriptors more")
        grown = ruling.memory - control.memory
        self._find(
            grown > _MEMORY_MAY_GROW, f"the control process grew by {grown / (1 << 20):.1f} MiB"
        )
        left = [str(file) for file in subject.prefix.glob("*_temp/**/*") if file.is_file()]
        self._find(bool(left), f"{len(left)} temporary files are left: {left[:3]}")
        # The last answer does not count itself yet, and requests for the status are not logged.
        self._count(told["requests"] - (asked - 1), subject.prefix / "logs")
        self._weigh()

    def _count(self, counted: int, logs: Path) -> None:
        lines, numbers = watching.logged(logs)
        self._find(counted != lines, f"{counted} requests are counted, {lines} are logged")
        twice = len(numbers) - len(set(numbers))
        self._find(twice > 0, f"{twice} requests were logged twice")
        missing = len(self._ledger.answered - set(numbers))
        self._find(missing > 0, f"{missing} requests were answered and not logged")
        self.report.figures["logged"] = lines

    def _weigh(self) -> None:
        """Memory at the end beside that after the first fifth, when all caches are warm."""
        samples = self._samples
        warm = samples[len(samples) // 5 : max(2 * len(samples) // 5, len(samples) // 5 + 1)]
        usual = statistics.median(one.memory for one in warm)
        grown = samples[-1].memory - usual
        self._find(grown > _MEMORY_MAY_GROW, f"memory grew by {grown / (1 << 20):.1f} MiB")
        self.report.figures["memory, MiB"] = {
            "first": round(samples[0].memory / (1 << 20), 1),
            "warm": round(usual / (1 << 20), 1),
            "most": round(max(one.memory for one in samples) / (1 << 20), 1),
            "end": round(samples[-1].memory / (1 << 20), 1),
        }

    def _find(self, wrong: bool, what: str) -> None:
        if wrong:
            self.report.findings.append(what)

    def _summarise(self, subject: Subject, origins: Origins, changes: Changes) -> None:
        report, ledger = self.report, self._ledger
        report.seconds = time.monotonic() - self._begun
        report.findings += [f"{what}: {count} times" for what, count in ledger.lost.items()]
        report.findings += ledger.examples
        severe = subject.error_log(_SEVERE)
        report.findings += severe[:10]
        report.figures |= {
            "requests": ledger.total,
            "good": dict(ledger.good),
            "excused": dict(ledger.excused),
            "lost": ledger.lost.total(),
            "reloads": changes.reloads,
            "logs reopened": changes.reopened,
            "faults": len(origins.told),
        }


async def _passes(stop: asyncio.Event, seconds: float) -> bool:
    """Wait; whether it is time to stop."""
    try:
        await asyncio.wait_for(stop.wait(), seconds)
    except TimeoutError:
        return False
    return True


async def _every(stop: asyncio.Event, seconds: float, do: Callable[[], None]) -> None:
    while not await _passes(stop, seconds):
        do()


def save(report: Report, folder: Path) -> Path:
    """Write a report into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "soak.json"
    file.write_text(report.to_json() + "\n")
    return file
