"""Two backends behind a proxy, of which something happens to one or both: data, scenario by
scenario."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from surehop.lab.clients import Lane
from surehop.lab.origins import Fault
from surehop.lab.scenarios.frame import Scenario, Stage
from surehop.lab.scenarios.fronts import FRONTS, Hop, Running, ask_all
from surehop.lab.scenarios.telling_fronts import tell_fronts
from surehop.lab.scenarios.two_stacks import fail_timeout
from surehop.lab.scenarios.upstream import Upstream

_SERVERS = ("127.0.0.1:@ORIGIN0@", "127.0.0.1:@ORIGIN1@")
_EVERY = 0.05
_BEYOND = 6  # seconds after fail_timeout, at full scale
_POISON = 9  # which request it is

Meanwhile = Callable[[Stage, Running, float], None]


def _nothing(_: Stage, __: Running, ___: float) -> None:
    """Nothing happens while it runs."""


@dataclass(frozen=True, slots=True)
class Trial:
    """What one such scenario has of its own.

    origins: the behaviour of both; healthy where the fault is left out. read_timeout: seconds that
    the proxy waits for an answer; 0: as it does by itself. paths: of the first requests, `/`
    afterwards. users: who ask, each on a connection. expects: as a scenario's.
    """

    origins: Callable[[Stage], Sequence[Mapping[str, Any]]]
    shown: Callable[[Stage], bool]
    expects: tuple[str, ...] = ()
    read_timeout: Callable[[Stage], float] = lambda _: 0.0
    paths: tuple[str, ...] = ()
    users: int = 1
    takes: int = 25
    meanwhile: Meanwhile = _nothing


def met(stage: Stage) -> bool:
    """An origin met a fault."""
    return sum(stats.faults for stats in stage.stats) > 0


def refused(stage: Stage) -> bool:
    """A live request was refused."""
    return any(one.refusals for one in stage.extra.get("running", []))


def scenario(name: str, title: str, story: str, trial: Trial) -> Scenario:
    """A scenario out of what is its own."""

    def run(stage: Stage) -> None:
        seconds = fail_timeout(stage)
        stage.report.measured["fail_timeout set to, s"] = seconds
        times = round((seconds + 2 + stage.seconds(_BEYOND)) / _EVERY)
        paths = (*trial.paths, *("/",) * (times - len(trial.paths))) if stage.inject else ()
        lanes = [
            Lane("", times=times, every=_EVERY, paths=paths, after=_EVERY * n / trial.users)
            for n in range(trial.users)
        ]
        hop = Hop(
            Upstream(_SERVERS, seconds, trial.read_timeout(stage)),
            trial.origins(stage) if stage.inject else [{}, {}],
            lanes,
            meanwhile=lambda one, at: trial.meanwhile(stage, one, at) if stage.inject else None,
        )
        ask_all(stage, hop, "asking, steadily")

    def tell(stage: Stage) -> None:
        tell_fronts(stage)
        stage.report.shown = trial.shown(stage)

    return Scenario(
        name, title, story, run, tell, takes=trial.takes, expects=trial.expects, only=FRONTS
    )


STALE = scenario(
    "two-stale-connections",
    "one request meets two stale connections, and takes out both backends",
    "Two healthy backends. Each closes, once, the connection that a request has just come on: the "
    "fourth of that connection. The request that meets the first goes on to the other backend and "
    "meets the second. Where a dead connection is charged to the backend, both are out until "
    "fail_timeout (10 s, scaled, in whole seconds) is over. A GET every 50 ms.",
    Trial(
        lambda _: [{"faults": (Fault("fin", nth=4, times=1),)}] * 2,
        met,
        ("SH006", "SH004", "SH049"),
    ),
)
POISON = scenario(
    "poison-request",
    "a request that kills every backend it is sent to",
    "Two healthy backends, which close any connection that asks for /poison. One such request is "
    "sent, among others that are well. Where it is charged to the backends, both are out for "
    "everybody until fail_timeout (10 s, scaled, in whole seconds) is over. A GET every 50 ms.",
    Trial(
        lambda _: [{"faults": (Fault("fin", path="/poison"),)}] * 2,
        met,
        ("SH051", "SH004"),
        paths=("/",) * _POISON + ("/poison",),
    ),
)
DEAD = scenario(
    "dead-backend",
    "one of two backends is dead, and its port refuses",
    "Two backends, and nobody listens where the second should. No client should notice; what "
    "differs is who pays for finding out whether it is back: a live request, whenever fail_timeout "
    "(10 s, scaled, in whole seconds) is over, or a connect in the background. A GET every 50 ms.",
    Trial(lambda _: [{}, {"listen": "none"}], refused, ("SH044",)),
)


def _flap(stage: Stage, one: Running, at: float) -> None:
    """Up for a second, down for a second (scaled), idle connections reset as it goes."""
    span = max(stage.seconds(1.0), 0.3)
    down = int(at / span) % 2 == 1
    origin = one.origins[1]
    if down and "down" not in one.done:
        one.done.add("down")
        origin.set(listen="none")
        origin.close_idle("rst")
    elif not down and "down" in one.done:
        one.done.discard("down")
        origin.set(listen="ipv4")


FLAPPING = scenario(
    "flapping-backend",
    "one of two backends comes and goes",
    "Two backends; the second is there for a second, then gone for a second (scaled, at least "
    "300 ms), over and over: its idle connections are reset, and its port refuses. A GET every "
    "50 ms.",
    Trial(lambda _: [{}, {}], refused, ("SH052", "SH044", "SH050"), meanwhile=_flap),
)


def _read_timeout(stage: Stage) -> float:
    return max(stage.seconds(2.0), 0.2)


def _waited(stage: Stage) -> bool:
    least = _read_timeout(stage)
    return any(r.outcome.took >= least for some in stage.records().values() for r in some)


SLOW = scenario(
    "slow-backend",
    "one of two backends takes longer than the proxy waits",
    "Two backends, and the second takes five times proxy_read_timeout (2 s, scaled, at least "
    "200 ms) over each answer. A request that comes to it waits for the time-out and then goes on "
    "to the other. The second is taken out for fail_timeout, and a live request is the test.",
    Trial(
        lambda stage: [{}, {"delay": 5 * _read_timeout(stage)}],
        _waited,
        ("SH045",),
        read_timeout=_read_timeout,
    ),
)


def _reload(stage: Stage, one: Running, at: float) -> None:
    """A HUP every second (scaled, at least 400 ms)."""
    number = int(at / max(stage.seconds(1.0), 0.4))
    if number and str(number) not in one.done:
        one.done.add(str(number))
        one.subject.reload()


def _reloaded(stage: Stage) -> bool:
    running = stage.extra.get("running", [])
    stage.report.measured["reloads"] = sum(len(one.done) for one in running)
    return any(one.done for one in running)


RELOAD = scenario(
    "reload-under-load",
    "the configuration is read again, over and over, while clients ask",
    "Two healthy backends and four users, each with a connection that is kept. The proxy gets a "
    "HUP every second (scaled, at least 400 ms). Where a worker that ends closes its clients' idle "
    "connections, a request may be on its way on one of them.",
    Trial(lambda _: [{}, {}], _reloaded, ("SH034",), users=4, meanwhile=_reload),
)
SCENARIOS = (STALE, POISON, DEAD, FLAPPING, SLOW, RELOAD)
