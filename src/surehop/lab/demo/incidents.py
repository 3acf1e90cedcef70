"""The incidents as the demo runs them: two rivals, each with its own origin, at the same time."""

import shutil
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from surehop.lab.log_lines import LogLine, read_line
from surehop.lab.measure import Answer, ask_steadily
from surehop.lab.origins import Fault, Origin
from surehop.lab.subjects import Program, Subject


@dataclass(frozen=True, slots=True)
class Rival:
    """A program and what it is called. `resilience`: written into its configuration, or None."""

    key: str
    name: str
    program: Program
    resilience: str | None = None

    @property
    def title(self) -> str:
        return f"{self.name} {self.program.version}"


@dataclass(frozen=True, slots=True)
class Incident:
    """What is asked, how often, and what goes wrong meanwhile. Times are seconds."""

    key: str
    http: str
    name: str
    path: str
    every: float
    seconds: float
    faults: tuple[Fault, ...] = ()


@dataclass(slots=True)
class Run:
    """What one rival did in one incident; grows while it runs."""

    rival: Rival
    incident: Incident
    answers: list[Answer] = field(default_factory=list)
    tried: list[int] = field(default_factory=list)  # addresses tried, for each request
    log: list[LogLine] = field(default_factory=list)
    race: float | None = None  # when the origin met its fault, in seconds since the start

    @property
    def failed(self) -> int:
        return sum(answer.failed for answer in self.answers)

    @property
    def refusals(self) -> list[LogLine]:
        return [line for line in self.log if "Connection refused" in line.message]

    @property
    def outage(self) -> float:
        """Seconds from the first failed request to the next success after the last."""
        failed = [answer.at for answer in self.answers if answer.failed]
        if not failed:
            return 0.0
        after = [a.at for a in self.answers if not a.failed and a.at > failed[-1]]
        return (after[0] if after else self.incident.seconds) - failed[0]

    def told(self) -> dict[str, Any]:
        return {
            "program": self.rival.title,
            "resilience": self.rival.resilience,
            "requests": len(self.answers),
            "failed": self.failed,
            "outage_s": round(self.outage, 3),
            "answers": [asdict(answer) for answer in self.answers],
            "log": [asdict(line) for line in self.log],
        }


TWO_STACKS = Incident(
    key="incident-1",
    name="localhost",
    path="/hogehoge",
    every=0.2,
    seconds=8,
    http="""\
    upstream rails-unicorn {
        @RESILIENCE@server localhost:@ORIGIN@ fail_timeout=2s;
    }
    server {
        listen 127.0.0.1:@PORT@;
        server_name example.com;
        location / { proxy_pass http://rails-unicorn; }
    }""",
)

BOTH_AT_ONCE = Incident(
    key="incident-3",
    name="twohosts",
    path="/",
    every=0.05,
    seconds=16,
    faults=(Fault("fin", nth=4, times=1),),
    http="""\
    upstream app {
        @RESILIENCE@server twohosts:@ORIGIN@;
    }
    server {
        listen 127.0.0.1:@PORT@;
        location / { proxy_pass http://app; }
    }""",
)


@contextmanager
def running(
    incident: Incident, rivals: Sequence[Rival], out: Path
) -> Iterator[tuple[list[Run], threading.Event]]:
    """Run it with all rivals side by side; the runs grow until the event is set.

    Configurations and logs are left in a folder a rival under `out`.
    """
    runs = [Run(rival, incident) for rival in rivals]
    done = threading.Event()
    errors: list[BaseException] = []

    def one(run: Run) -> None:
        try:
            _run(run, out)
        except BaseException as error:  # noqa: BLE001  it is raised below, on the caller's thread
            errors.append(error)

    def all_of_them() -> None:
        threads = [threading.Thread(target=one, args=(run,), daemon=True) for run in runs]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        done.set()

    threading.Thread(target=all_of_them, daemon=True).start()
    yield runs, done
    done.wait()
    if errors:
        raise errors[0]


def _run(run: Run, out: Path) -> None:
    incident, rival = run.incident, run.rival
    with ExitStack() as stack:
        origin = stack.enter_context(Origin(faults=incident.faults))
        resilience = f"resilience {rival.resilience}; " if rival.resilience else ""
        http = incident.http.replace("@ORIGIN@", str(origin.port))
        subject = stack.enter_context(
            Subject(
                rival.program,
                http.replace("@RESILIENCE@", resilience),
                resolve={incident.name: ["127.0.0.1", "[::1]"]},
            )
        )

        # nginx counts whole seconds: begun early in one, all that is ejected returns together.
        time.sleep(1.05 - time.time() % 1)
        began = time.time()

        def told(answer: Answer) -> None:
            run.answers.append(answer)
            _take_lines(run, subject, answer.at)

        ask_steadily(
            subject.port,
            every=incident.every,
            seconds=incident.seconds,
            path=incident.path,
            told=told,
        )
        faults = [d.at - began for d in origin.stats().deliveries if d.fault]
        run.race = faults[0] if faults else None
        subject.stop()
        _take_lines(run, subject, incident.seconds)
        _keep(subject, out / incident.key / rival.key)


def _take_lines(run: Run, subject: Subject, at: float) -> None:
    known = len(run.log)
    lines = [line for line in map(read_line, subject.error_log("info")) if line]
    run.log += [LogLine(at, *line) for line in lines[known:]]
    # The last field is the list of the attempts' statuses.
    run.tried[:] = [s.rpartition("[")[2].count(",") + 1 for s in subject.access_log()]


def _keep(subject: Subject, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for name in ("nginx.conf", "logs/error.log", "logs/access.log"):
        shutil.copy(subject.prefix / name, folder)
