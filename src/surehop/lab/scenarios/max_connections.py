"""Incident 2, second reproduction: the server accepts a connection too many, and closes it."""

from surehop.lab.clients import Lane
from surehop.lab.scenarios.frame import Scenario, Stage
from surehop.lab.scenarios.telling import outcomes_of, own_words, sentences, timeline_of

_LIMIT = 2
_AT_ONCE = 10
_HELD = 0.3  # seconds


def run(stage: Stage) -> None:
    limit = _LIMIT if stage.inject else 0
    with (
        stage.origin(max_connections=limit, delay=stage.seconds(_HELD)) as origin,
        stage.playing() as processes,
    ):
        for process in processes:
            lane = Lane(f"http://127.0.0.1:{origin.port}/", at_once=_AT_ONCE)
            stage.play(f"{process.client.name}: {_AT_ONCE} requests at once", {process: [lane]})
            stats = stage.collect(origin)
            stage.extra[process.client.name] = stats.turned_away


def tell(stage: Stage) -> None:
    records = stage.records()
    table = outcomes_of(records, f"{_AT_ONCE} requests at once, room for {_LIMIT}")
    turned = [str(stage.extra.get(row[0], "-")) for row in table.rows]
    stage.report.tables.append(
        type(table)(
            table.title,
            (*table.columns[:3], "turned away", *table.columns[4:]),
            [
                (*row[:3], away, *row[4:])
                for row, away in zip(table.rows, turned, strict=True)
            ],
            table.bad,
            table.good,
            note="turned away: connections that the origin accepted and closed at once",
        )
    )  # fmt: skip
    stage.report.tables += own_words(records)
    stage.report.plots.append(timeline_of(stage, records, in_turn=True))
    stage.report.shown = any(isinstance(n, int) and n > 0 for n in stage.extra.values())
    stage.report.said += sentences(records)


SCENARIO = Scenario(
    "max-connections",
    "more connections than the server takes: accepted, then closed at once",
    f"An origin takes {_LIMIT} connections and holds each request for 300 ms (scaled); more are "
    f"accepted and closed at once, as Node's maxConnections does. Each client sends {_AT_ONCE} "
    "requests at the same time, with what it does by default.",
    run,
    tell,
    expects=("SH026",),
)
