"""Incident 3: one race on one connection, while the other address is out."""

from surehop.lab.clients import Lane
from surehop.lab.origins import Fault
from surehop.lab.scenarios.frame import Scenario, Stage
from surehop.lab.scenarios.fronts import FRONTS, Hop, ask_all
from surehop.lab.scenarios.telling_fronts import tell_fronts
from surehop.lab.scenarios.two_stacks import BOTH, fail_timeout
from surehop.lab.scenarios.upstream import Upstream

_EVERY = 0.05
_BEYOND = 6  # seconds after fail_timeout, at full scale


def run(stage: Stage) -> None:
    seconds = fail_timeout(stage)
    stage.report.measured["fail_timeout set to, s"] = seconds
    span = seconds + 2 + stage.seconds(_BEYOND)
    lane = Lane("", times=round(span / _EVERY), every=_EVERY)
    # Once, on a connection that has carried requests: the origin closes on receipt.
    race = (Fault("fin", nth=4, times=1),)
    behaviour = {"listen": "ipv4", "faults": race} if stage.inject else {"listen": "both"}
    upstream = Upstream(("localhost:@ORIGIN0@",), seconds)
    ask_all(stage, Hop(upstream, [behaviour], [lane], BOTH), "asking, steadily")


def tell(stage: Stage) -> None:
    tell_fronts(stage)
    met = sum(stats.faults for stats in stage.stats)
    stage.report.measured["races"] = met
    refused = any(one.refusals for one in stage.extra.get("running", []))
    stage.report.shown = refused and met > 0


SCENARIO = Scenario(
    "race-meets-two-stacks",
    "one keep-alive race while the other address is out: an outage, or nothing",
    "As two-stacks, and once, on the fourth request of a connection, the origin closes it on "
    "receipt. Where the race is charged to the address, and ::1 is out since it refused, no "
    "address is left until fail_timeout (10 s, scaled, in whole seconds) is over. "
    "A GET every 50 ms.",
    run,
    tell,
    takes=30,
    expects=("SH001", "SH006"),
    only=FRONTS,
)
