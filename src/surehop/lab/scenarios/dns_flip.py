"""A name's address changes while everything runs, and then the old one goes."""

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import replace
from functools import partial

from surehop.lab.clients import CLIENTS, ClientProcess, Lane
from surehop.lab.origins import OriginProcess
from surehop.lab.report.data import Table
from surehop.lab.scenarios import names
from surehop.lab.scenarios.frame import Record, Scenario, Stage
from surehop.lab.scenarios.fronts import ASKING, FRONTS, Hop, Running, ask_all
from surehop.lab.scenarios.responder import Responder
from surehop.lab.scenarios.telling import own_words, sentences, timeline_of
from surehop.lab.scenarios.upstream import Upstream

_NAME = "flip.test"
_OLD, _NEW = "127.0.0.2", "127.0.0.3"
_BEFORE = {_NAME: (_OLD,)}
# By the status of an answer the table knows who gave it.
_OLD_ORIGIN = {"host": _OLD}
_NEW_ORIGIN = {"host": _NEW, "status": 201}
_EVERY = 0.05


class _Clock:
    """Seconds into the run at which things happen; scaled, but nginx's resolver counts seconds.

    flipped: when the name changed for each subject, in Unix time.
    """

    def __init__(self, stage: Stage) -> None:
        self.flipped: dict[str, float] = {}
        self.flip = max(0.4, stage.seconds(2))
        self.gone = self.flip + max(1.2, stage.seconds(3))
        self.reload = self.gone + max(0.5, stage.seconds(4))
        self.end = self.reload + max(0.5, stage.seconds(3))

    def act(self, at: float, done: set[str], **acts: Callable[[], None]) -> None:
        """Do what is due and not done yet."""
        for name, act in acts.items():
            if at >= getattr(self, name) and name not in done:
                done.add(name)
                act()

    @property
    def lane(self) -> Lane:
        return Lane("", times=round(self.end / _EVERY), every=_EVERY)


def _leave(old: OriginProcess) -> None:
    """As a server that ends well: its connections are closed, its port refuses."""
    old.set(listen="none")
    old.close_idle("fin")


def run(stage: Stage) -> None:
    clock = _Clock(stage)
    stage.extra["clock"] = clock
    if stage.clients:
        _ask_clients(stage, clock)
    if stage.fronts:
        _ask_fronts(stage, clock)


def _ask_clients(stage: Stage, clock: _Clock) -> None:
    if names.why_not():
        for client in stage.clients:
            stage.skip(client.name, names.why_not(), names.HINT)
        return
    with ExitStack() as stack:
        hosts = stack.enter_context(names.own_hosts(_BEFORE))
        old = stack.enter_context(stage.origin(**_OLD_ORIGIN))
        stack.enter_context(stage.origin(**_NEW_ORIGIN, port=old.port))
        clients = [names.with_hosts(client, hosts) for client in stage.clients]
        processes: Sequence[ClientProcess] = stack.enter_context(stage.playing(clients))
        url = f"http://{_NAME}:{old.port}/"
        done: set[str] = set()

        def flip() -> None:
            names.write_hosts(hosts, {_NAME: (_NEW,)})
            clock.flipped.update({client.name: time.time() for client in clients})

        def meanwhile(at: float) -> None:
            if stage.inject:
                clock.act(at, done, flip=flip, gone=lambda: _leave(old))

        lanes = {process: [replace(clock.lane, url=url)] for process in processes}
        stage.play("clients ask, steadily", lanes, meanwhile=meanwhile)


def _ask_fronts(stage: Stage, clock: _Clock) -> None:
    with Responder(_OLD) as responder:

        def flip(one: Running) -> None:
            responder.address = _NEW
            if one.hosts:
                names.write_hosts(one.hosts, {_NAME: (_NEW,)})
            clock.flipped[one.front.name] = time.time()

        def meanwhile(one: Running, at: float) -> None:
            if stage.inject:
                gone, reload = partial(_leave, one.origins[0]), one.subject.reload
                clock.act(at, one.done, flip=partial(flip, one), gone=gone, reload=reload)

        hop = Hop(
            Upstream((f"{_NAME}:@ORIGIN0@",), resolver=responder.port),
            [_OLD_ORIGIN, _NEW_ORIGIN],
            [clock.lane],
            _BEFORE,
            meanwhile,
        )
        ask_all(stage, hop, "proxies are asked, steadily")


def tell(stage: Stage) -> None:
    records = stage.records()
    clock: _Clock = stage.extra["clock"]
    rows: list[tuple[str, ...]] = []
    bad: set[tuple[int, int]] = set()
    good: set[tuple[int, int]] = set()
    for name, some in records.items():
        failed = sum(record.failed for record in some)
        (bad if failed else good).add((len(rows), 4))
        new = [record.outcome.at for record in some if _is_new(record)]
        after = f"{new[0] - clock.flipped[name]:.1f}" if new else "never"
        old = len(some) - failed - len(new)
        longest = f"{max(record.outcome.took for record in some) * 1000:.0f}"
        rows.append((name, str(len(some)), str(old), after, str(failed), longest))
    columns = ("subject", "requests", "at the old", "the new, s after", "failed", "longest, ms")
    stage.report.tables += [
        Table(
            "who notices that the name has another address",
            columns,
            rows,
            frozenset(bad),
            frozenset(good),
            note=f"the name changes at {clock.flip:.1f} s, the old server goes at "
            f"{clock.gone:.1f} s, proxies get a reload at {clock.reload:.1f} s; "
            "the new, s after: from the change until the new server gave its first answer",
        ),
        *own_words(records),
    ]
    stage.report.plots.append(timeline_of(stage, records, in_turn=True))
    stage.report.shown = any(_is_new(record) for some in records.values() for record in some)
    stage.report.said += sentences(records)


def _is_new(record: Record) -> bool:
    return record.outcome.status == _NEW_ORIGIN["status"]


SCENARIO = Scenario(
    "dns-flip",
    "a name gets another address while everything runs, and the old server goes",
    "A name stands for 127.0.0.2, then for 127.0.0.3; some time later the first server closes its "
    "connections and refuses. Who looks the name up for every connection moves when the old one "
    "closes; who keeps the answer goes on asking a server that is gone; who looked it up at the "
    "start does so until a reload. A GET every 50 ms from each. `nginx-resolve` and "
    "`haproxy-resolve` are told of a DNS server and ask it while they run.",
    run,
    tell,
    takes=40,
    only=(*CLIENTS, *FRONTS, *ASKING),
)
