"""Incident 1: a name has two addresses, and the backend listens on one of them."""

from surehop.lab.clients import Lane
from surehop.lab.scenarios.frame import Scenario, Stage
from surehop.lab.scenarios.fronts import FRONTS, Hop, ask_all
from surehop.lab.scenarios.telling_fronts import tell_fronts
from surehop.lab.scenarios.upstream import Upstream

_ROUNDS = 3  # of fail_timeout
_EVERY = 0.2
_FAIL_TIMEOUT = 10
BOTH = {"localhost": ("127.0.0.1", "[::1]")}


def fail_timeout(stage: Stage) -> int:
    """Scaled, but nginx counts whole seconds."""
    return max(1, round(stage.seconds(_FAIL_TIMEOUT)))


def run(stage: Stage) -> None:
    seconds = fail_timeout(stage)
    stage.report.measured["fail_timeout set to, s"] = seconds
    every = max(_EVERY * stage.scale, 0.02)
    lane = Lane("", times=round((_ROUNDS * seconds + 2) / every), every=every, paths=("/hogehoge",))
    listens = "ipv4" if stage.inject else "both"
    upstream = Upstream(("localhost:@ORIGIN0@",), seconds)
    ask_all(stage, Hop(upstream, [{"listen": listens}], [lane], BOTH), "asking, steadily")


def tell(stage: Stage) -> None:
    tell_fronts(stage)
    running = stage.extra.get("running", [])
    stage.report.shown = any(one.refusals for one in running)
    stage.report.said += [
        f"{one.front.name}: live requests that were refused at the other address: {one.refusals}"
        for one in running
    ]


SCENARIO = Scenario(
    "two-stacks",
    "`server localhost:3000;` where the backend listens on one family only",
    "`localhost` is 127.0.0.1 and ::1, so an upstream block that names it has two servers, and the "
    "backend listens on 127.0.0.1 alone. ::1 is refused, is taken out for fail_timeout (10 s, "
    "scaled, in whole seconds), comes back, and a live request has to test it again. Clients are "
    "answered by the other address; the error log fills. A GET every 200 ms (scaled).",
    run,
    tell,
    takes=45,
    expects=("SH001",),
    only=FRONTS,
)
