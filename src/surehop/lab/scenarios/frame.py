"""What every scenario has, and what it is run with: subjects, origins, records of each request."""

import select
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from surehop.lab.clients import Client, ClientError, ClientProcess, Lane, Outcome
from surehop.lab.origins import Delivery, OriginProcess, Stats
from surehop.lab.report.data import Report, Skipped
from surehop.lab.wire import Watch, Watched

_PARTING = 1.0
_LOG = "application.log"
_STUCK = 30.0  # seconds without any news, beyond what a lane itself may take


class Bar(Protocol):
    """Something that shows how far it is."""

    def begin(self, what: str, steps: float) -> None: ...

    def step(self, steps: float = 1) -> None: ...


class Silent:
    """Shows nothing."""

    def begin(self, what: str, steps: float) -> None:
        """Not here."""

    def step(self, steps: float = 1) -> None:
        """Not here."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """One way to fail on purpose. run: does it; tell: makes tables and plots of what came.

    They are apart since Ctrl-C ends the one and not the other. takes: about how many seconds at
    scale 1 with every subject there. expects: the findings of the doctor's that name the fault.
    only: the subjects that it says something about; all clients, if none is named. apart: it
    changes what the kernel does, so that it runs in a network namespace of its own.
    """

    name: str
    title: str
    story: str
    run: Callable[["Stage"], None]
    tell: Callable[["Stage"], None]
    takes: int
    expects: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    apart: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A request of a subject. tries: when the origin got it; empty if it never did."""

    subject: str
    lane: Lane
    outcome: Outcome
    tries: tuple[Delivery, ...] = ()

    @property
    def failed(self) -> bool:
        return self.outcome.failed

    def told(self) -> dict[str, Any]:
        """For JSON."""
        lane = {"lane": self.lane.label, "method": self.lane.method}
        outcome = asdict(self.outcome)
        del outcome["lane"]
        tries = [{"at": t.at, "connection": t.connection, "nth": t.nth, "fault": t.fault}
                 for t in self.tries]  # fmt: skip
        return {"subject": self.subject, **lane, **outcome, "received": tries}


@dataclass(slots=True)
class Stage:
    """A run of one scenario.

    scale: of all times. inject: False leaves the fault out, to compare. extra: what a scenario
    keeps for its `tell`. seen: what origins counted, each with its port. folder: for
    packets and logs, a folder a subject. names: what was made of names, for a proxy.
    """

    report: Report
    folder: Path
    clients: Sequence[Client] = ()
    fronts: Sequence[Any] = ()
    scale: float = 1.0
    inject: bool = True
    bar: Bar = field(default_factory=Silent)
    outcomes: dict[str, list[tuple[Lane, Outcome]]] = field(default_factory=dict)
    deliveries: dict[str, list[Delivery]] = field(default_factory=dict)
    seen: list[tuple[int, Stats]] = field(default_factory=list)
    extra: dict[str, Any] = field(default_factory=dict)
    names: dict[str, Sequence[str]] = field(default_factory=dict)
    began: float = 0.0
    plays: int = 0  # so that no two requests of a run have one id
    watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = Watch(self.folder)

    @property
    def stats(self) -> list[Stats]:
        return [one for _, one in self.seen]

    def seconds(self, full: float) -> float:
        """A time, scaled."""
        return full * self.scale

    def left_by(self, subject: str) -> Path:
        """The folder for what a subject leaves behind."""
        folder = self.folder / subject
        folder.mkdir(exist_ok=True)
        return folder

    @contextmanager
    def origin(self, **behaviour: Any) -> Iterator[OriginProcess]:
        """An origin of its own process; what it got is kept when the block ends, however."""
        with OriginProcess(**behaviour) as origin:
            try:
                yield origin
            finally:
                with suppress(OSError, RuntimeError):  # it may have been killed on purpose
                    self.collect(origin)

    def collect(self, origin: OriginProcess) -> Stats:
        """Keep what an origin got so far, when its clients have gone; it counts from zero then."""
        deadline = time.monotonic() + _PARTING
        while (stats := origin.stats()).open and time.monotonic() < deadline:
            time.sleep(_PARTING / 100)
        self.seen.append((origin.port, stats))
        for delivery in stats.deliveries:
            if delivery.id:
                self.deliveries.setdefault(delivery.id, []).append(delivery)
        origin.reset()
        return stats

    @contextmanager
    def playing(self, clients: Sequence[Client] | None = None) -> Iterator[list[ClientProcess]]:
        """The clients' processes, ready; one that does not start is told as skipped."""
        with ExitStack() as stack:
            asked = self.clients if clients is None else clients
            self.bar.begin("starting the subjects", len(asked))
            processes = [
                stack.enter_context(ClientProcess(client, self.left_by(client.name) / _LOG))
                for client in asked
            ]
            ready = []
            for process in processes:
                try:
                    process.ready()
                except ClientError as error:
                    self.skip(process.client.name, str(error))
                else:
                    self.report.versions[process.client.name] = process.version
                    ready.append(process)
                self.bar.step()
            yield ready

    def play(
        self,
        what: str,
        lanes: Mapping[ClientProcess, Sequence[Lane]],
        *,
        meanwhile: Callable[[float], None] = lambda _: None,
    ) -> None:
        """All of them ask, at the same time. meanwhile: called often, with the seconds so far."""
        self.bar.begin(what, sum(lane.requests for some in lanes.values() for lane in some))
        ports = {urlsplit(lane.url).port for some in lanes.values() for lane in some}
        self.watch.on({port: Watched() for port in ports if port})
        start, news = time.monotonic(), time.monotonic()
        self.began = self.began or time.time()
        self.plays += 1
        for process, some in lanes.items():
            process.begin(some, f"{process.client.name}-{self.plays}")
        longest = max((lane.every + lane.timeout for s in lanes.values() for lane in s), default=0)
        waiting = set(lanes)
        while waiting:
            meanwhile(time.monotonic() - start)
            for process in select.select(list(waiting), [], [], 0.02)[0]:
                try:
                    came = process.take()
                except ClientError as error:
                    self.skip(process.client.name, str(error))
                    waiting.discard(process)
                    continue
                news = time.monotonic()
                self.keep(process.client.name, [(lanes[process][one.lane], one) for one in came])
                if process.done:
                    waiting.discard(process)
            if time.monotonic() - news > _STUCK + longest:
                for process in waiting:
                    self.skip(process.client.name, "it stopped answering")
                return

    def skip(self, subject: str, why: str, hint: str = "") -> None:
        """Tell that a subject takes no part, once."""
        told = Skipped(subject, why, hint)
        if told not in self.report.skipped:
            self.report.skipped.append(told)

    def keep(self, subject: str, came: Sequence[tuple[Lane, Outcome]]) -> None:
        self.outcomes.setdefault(subject, []).extend(came)
        self.bar.step(len(came))

    def records(self) -> dict[str, list[Record]]:
        """What each subject did, in the order in which it asked."""
        return {
            name: sorted(
                (Record(name, lane, o, tuple(self.deliveries.get(o.id, ()))) for lane, o in some),
                key=lambda record: record.outcome.at,
            )
            for name, some in self._ordered()
        }

    def _ordered(self) -> list[tuple[str, list[tuple[Lane, Outcome]]]]:
        """As the subjects were named, and not as their answers came."""
        named = [subject.name for subject in (*self.clients, *self.fronts)]
        known = [name for name in named if name in self.outcomes]
        others = [name for name in self.outcomes if name not in named]
        return [(name, self.outcomes[name]) for name in (*known, *others)]
