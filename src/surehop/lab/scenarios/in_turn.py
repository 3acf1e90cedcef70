"""Clients that take turns at one origin: data, scenario by scenario."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from surehop.lab.clients import ClientProcess, Lane
from surehop.lab.origins import Fault, Stats
from surehop.lab.scenarios.frame import Scenario, Stage
from surehop.lab.scenarios.telling import outcomes_of, own_words, sentences, timeline_of

_TIMEOUT = 5.0  # seconds that the origin keeps an idle connection, scaled
_EACH = 5  # users of each method


@dataclass(frozen=True, slots=True)
class Turns:
    """What one such scenario has of its own. lanes: their URLs are paths of the origin.

    behaviour: the origin's; `{}` where the fault is left out, unless healthy says otherwise.
    together: all clients at the same time, since none is in another's way.
    expects: as a scenario's.
    """

    behaviour: Callable[[Stage], Mapping[str, Any]]
    lanes: Callable[[Stage], Sequence[Lane]]
    shown: Callable[[Stage, Sequence[Stats]], bool]
    expects: tuple[str, ...] = ()
    healthy: Callable[[Stage], Mapping[str, Any]] = lambda _: {}
    meanwhile: Callable[[Stage, ClientProcess, float], None] = lambda _, __, ___: None
    together: bool = False
    takes: int = 15


def scenario(name: str, title: str, story: str, turns: Turns) -> Scenario:
    """A scenario out of what is its own."""

    def run(stage: Stage) -> None:
        told: list[Stats] = []
        stage.extra["stats"] = told
        behaviour = turns.behaviour(stage) if stage.inject else turns.healthy(stage)
        with stage.origin(**behaviour) as origin, stage.playing() as processes:
            base = f"http://127.0.0.1:{origin.port}"
            lanes = [replace(lane, url=base + lane.url) for lane in turns.lanes(stage)]
            for some in [processes] if turns.together else [[one] for one in processes]:
                what = "all ask" if turns.together else some[0].client.name

                def meanwhile(at: float, some: Sequence[ClientProcess] = some) -> None:
                    for process in some if stage.inject else ():
                        turns.meanwhile(stage, process, at)

                stage.play(what, dict.fromkeys(some, lanes), meanwhile=meanwhile)
                told.append(stage.collect(origin))

    def tell(stage: Stage) -> None:
        records = stage.records()
        stage.report.tables += [outcomes_of(records), *own_words(records)]
        stage.report.plots.append(timeline_of(stage, records, in_turn=True))
        stage.report.shown = turns.shown(stage, stage.extra.get("stats", []))
        stage.report.said += sentences(records)

    return Scenario(name, title, story, run, tell, takes=turns.takes, expects=turns.expects)


def _met(_: Stage, stats: Sequence[Stats]) -> bool:
    return any(one.faults for one in stats)


RESET = scenario(
    "reset-mid-body",
    "the connection is reset in the middle of an answer's body",
    "The second answer of a connection breaks off by RST when half of its 200,000 bytes are sent. "
    "The head said 200, so a client may already have been told that all is well. Five users, a GET "
    "three times each.",
    Turns(
        lambda _: {"body": 200_000, "faults": (Fault("rst", nth=2, at="body"),)},
        lambda _: [Lane("/", label=f"user {n}", times=3, every=0.05) for n in range(5)],
        _met,
        healthy=lambda _: {"body": 200_000},
    ),
)


def _freeze(stage: Stage, process: ClientProcess, at: float) -> None:
    """Frozen before the origin closes, thawed when it has long closed."""
    timeout = stage.seconds(_TIMEOUT)
    frozen = stage.extra.setdefault("frozen", {})
    name = process.client.name
    if len(stage.outcomes.get(name, ())) < 2 * _EACH:  # some need longer until they ask
        return
    at -= stage.extra.setdefault(f"{name} answered", at)
    if at >= 0.3 * timeout and name not in frozen:
        frozen[name] = True
        process.freeze()
    elif at >= 1.6 * timeout and frozen.get(name):
        frozen[name] = False
        process.thaw()


def _closed(_: Stage, stats: Sequence[Stats]) -> bool:
    return any(one.connections > one.requests / 2 for one in stats)


FROZEN = scenario(
    "frozen-process",
    "the process is frozen while the server closes its connections, and thaws",
    "As a function that sleeps between two calls: each client has ten users with a connection of "
    "their own, five with a GET and five with a POST. It is stopped (SIGSTOP) after the first "
    "request; the origin closes all connections, idle for 5 s (scaled); it goes on, and the second "
    "request is due at once, on connections that are dead.",
    Turns(
        lambda stage: {"keepalive_timeout": stage.seconds(_TIMEOUT), "hint": False},
        lambda stage: [
            Lane(
                "/",
                label=method,
                method=method,
                body="x" if method == "POST" else None,
                times=2,
                every=0.75 * stage.seconds(_TIMEOUT),
            )
            for method in ("GET", "POST")
            for _ in range(_EACH)
        ],
        _closed,
        ("SH042",),
        healthy=lambda _: {"keepalive_timeout": 0.0, "hint": False},
        meanwhile=_freeze,
        together=True,
    ),
)


_SYN_AGAIN = 0.9  # the kernel asks again after a second


def overflows() -> int:
    """How often a listener's queue was full, as this network namespace counts it."""
    lines = [line.split() for line in Path("/proc/net/netstat").read_text("ascii").splitlines()]
    for names, values in zip(lines[::2], lines[1::2], strict=True):
        if "ListenOverflows" in names:
            return int(values[names.index("ListenOverflows")])
    return 0


def _overflown(stage: Stage, _: Sequence[Stats]) -> bool:
    more = overflows() - int(stage.extra.get("overflows", overflows()))
    stage.report.measured["ListenOverflows, more"] = more
    # Other programs' listeners count too, but nobody else lets these requests wait for the kernel.
    waited = any(
        one.outcome.took >= _SYN_AGAIN for some in stage.records().values() for one in some
    )
    return more > 0 and waited


def _crowd(stage: Stage) -> Mapping[str, Any]:
    stage.extra["overflows"] = overflows()
    return {"profile": "unicorn", "backlog": 1, "delay": 0.15}


def _uncrowded(stage: Stage) -> Mapping[str, Any]:
    stage.extra["overflows"] = overflows()
    return {"delay": 0.15}


FULL = scenario(
    "accept-queue-full",
    "the server accepts one connection at a time, and its queue is full",
    "An origin as a unicorn worker: one connection at a time, closed behind its answer, which "
    "takes 150 ms, and a backlog of 1. Ten requests at once: who finds no place is not "
    "refused but left without an answer by the kernel, and asks again after a second, then "
    "two. None of these times is scaled: they are the kernel's.",
    Turns(
        _crowd,
        lambda _: [Lane("/", at_once=10, timeout=8.0)],
        _overflown,
        ("SH014",),
        healthy=_uncrowded,
        takes=60,
    ),
)
SCENARIOS = (RESET, FROZEN, FULL)
