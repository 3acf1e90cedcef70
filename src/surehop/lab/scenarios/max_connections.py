"""Incident 2, second reproduction: the server accepts a connection too many, and closes it."""

from surehop.lab.clients import Lane
from surehop.lab.report.data import Table
from surehop.lab.scenarios.frame import Record, Scenario, Stage
from surehop.lab.scenarios.telling import counted, own_words, timeline_of

_LIMIT = 2
_AT_ONCE = 10
_HELD = 0.3  # seconds, scaled
_RETRIES = 5
_WITH = f"{_RETRIES} retries"


def run(stage: Stage) -> None:
    limit = _LIMIT if stage.inject else 0
    away: dict[tuple[str, str], int] = {}
    stage.extra["away"] = away
    with stage.origin(max_connections=limit, delay=stage.seconds(_HELD)) as origin:
        for label in ("", _WITH):
            clients = [client for client in stage.clients if client.surehop or not label]
            with stage.playing(clients) as processes:
                for process in processes:
                    lane = Lane(
                        f"http://127.0.0.1:{origin.port}/",
                        label=label,
                        at_once=_AT_ONCE,
                        options={"retries": _RETRIES} if label else {},
                    )
                    name = process.client.name
                    stage.play(f"{name}: {_AT_ONCE} requests at once", {process: [lane]})
                    away[name, label] = stage.collect(origin).turned_away


def tell(stage: Stage) -> None:
    away = stage.extra.get("away", {})
    records = stage.records()
    runs: dict[str, list[Record]] = {}
    rows: list[tuple[str, ...]] = []
    bad: set[tuple[int, int]] = set()
    good: set[tuple[int, int]] = set()
    for name, some in records.items():
        for label in dict.fromkeys(record.lane.label for record in some):
            came = [record for record in some if record.lane.label == label]
            called = f"{name}, {label}" if label else name
            runs[called] = came
            failed = [record for record in came if record.failed]
            (bad if failed else good).add((len(rows), 2))
            longest = f"{max(record.outcome.took for record in came) * 1000:.0f}"
            turned = str(away.get((name, label), "-"))
            told = (str(len(came)), str(len(failed)), turned, longest, counted(failed))
            rows.append((called, *told))
    columns = ("subject", "requests", "failed", "turned away", "longest, ms", "failures")
    stage.report.tables += [
        Table(
            f"{_AT_ONCE} requests at once, room for {_LIMIT}",
            columns,
            rows,
            frozenset(bad),
            frozenset(good),
            note="turned away: connections that the origin accepted and closed at once",
        ),
        *own_words(records),
    ]
    stage.report.plots.append(timeline_of(stage, runs, in_turn=True))
    stage.report.shown = any(away.values())
    stage.report.said += [f"{row[0]}: {row[2]} of {row[1]} requests failed" for row in rows]


SCENARIO = Scenario(
    "max-connections",
    "more connections than the server takes: accepted, then closed at once",
    f"An origin takes {_LIMIT} connections and holds each request for 300 ms (scaled); more are "
    f"accepted and closed at once, as Node's maxConnections does. Each client sends {_AT_ONCE} "
    "requests at the same time, with what it does by default. Surehop's client sends a request "
    f"again only where it is told to, so that it is asked once more with {_WITH}.",
    run,
    tell,
    takes=15,
    expects=("SH026",),
)
