"""Retries against a server that is full: what the delay between them is worth."""

from dataclasses import dataclass
from typing import Any

from surehop.lab.clients import Lane
from surehop.lab.report.data import Table
from surehop.lab.scenarios.frame import Record, Scenario, Stage
from surehop.lab.scenarios.telling import timeline_of

_LIMIT = 2
_AT_ONCE = 10
_HELD = 0.3  # seconds, scaled, and so are the clients' delays
_FACTOR = 0.1


@dataclass(frozen=True, slots=True)
class Policy:
    """How often, and how long a client waits in between: for `exponential` 100 ms (scaled), then
    twice as long each time.

    only: who has it.
    """

    name: str
    options: dict[str, Any]
    only: str = ""


POLICIES = (
    Policy("no retries", {"retries": 0}),
    Policy("3, no delay", {"retries": 3, "delay": "none"}),
    Policy("3, exponential", {"retries": 3, "delay": "exponential"}),
    Policy("5, exponential", {"retries": 5, "delay": "exponential"}),
    Policy("5, as by default", {"retries": 5, "delay": "jitter"}, only="surehop"),
)


def run(stage: Stage) -> None:
    limit = _LIMIT if stage.inject else 0
    away: dict[tuple[str, str], int] = {}
    stage.extra["away"] = away
    with stage.origin(max_connections=limit, delay=stage.seconds(_HELD)) as origin:
        for policy in POLICIES:
            clients = [one for one in stage.clients if one.name.startswith(policy.only)]
            with stage.playing(clients) as processes:
                for process in processes:
                    name = process.client.name
                    lane = Lane(
                        f"http://127.0.0.1:{origin.port}/",
                        label=policy.name,
                        at_once=_AT_ONCE,
                        options={**policy.options, "factor": stage.seconds(_FACTOR)},
                    )
                    stage.play(f"{name}: {policy.name}", {process: [lane]})
                    away[name, policy.name] = stage.collect(origin).turned_away


def tell(stage: Stage) -> None:
    away = stage.extra.get("away", {})
    runs: dict[str, list[Record]] = {}
    rows: list[tuple[str, ...]] = []
    bad: set[tuple[int, int]] = set()
    good: set[tuple[int, int]] = set()
    for name, some in stage.records().items():
        for policy in POLICIES:
            came = [record for record in some if record.lane.label == policy.name]
            if not came:
                continue
            runs[f"{name}: {policy.name}"] = came
            failed = sum(record.failed for record in came)
            (bad if failed else good).add((len(rows), 2))
            last = max(record.outcome.took for record in came) * 1000
            turned = str(away.get((name, policy.name), "-"))
            told = f"{len(came) - failed} of {len(came)}"
            rows.append((name, policy.name, told, turned, f"{last:.0f}"))
    columns = ("subject", "retries", "succeeded", "wasted tries", "longest, ms")
    stage.report.tables.append(
        Table(
            f"{_AT_ONCE} requests at once, room for {_LIMIT}",
            columns,
            rows,
            frozenset(bad),
            frozenset(good),
            note="wasted tries: connections that the origin turned away",
        )
    )
    stage.report.plots.append(timeline_of(stage, runs, in_turn=True))
    stage.report.shown = any(away.values())
    stage.report.said += [
        f"{name}, {policy}: {told} succeeded, {turned} wasted tries"
        for name, policy, told, turned, _ in rows
    ]


SCENARIO = Scenario(
    "retry-storm",
    "retries against a server that is full: what waiting in between is worth",
    f"An origin takes {_LIMIT} connections, holds each request for 300 ms (scaled), and turns the "
    f"others away. Each client that can retry sends {_AT_ONCE} requests at once, under several "
    "policies; their delays are scaled too. Whoever tries again at once meets the same full "
    "server, and only adds to what it has to turn away. By default Surehop waits with full jitter, "
    "or until one of the connections that it has at such a server is free.",
    run,
    tell,
    takes=50,
    expects=("SH026", "SH040"),
    only=("surehop", "surehop-sync", "axios-retry", "urllib3"),
)
