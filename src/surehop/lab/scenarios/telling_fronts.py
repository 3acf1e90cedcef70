"""What is told of proxies: a row each, what their logs say, where requests were tried."""

from collections import Counter
from collections.abc import Mapping, Sequence

from surehop.lab.log_lines import fold
from surehop.lab.report.data import Table
from surehop.lab.scenarios.frame import Record, Stage
from surehop.lab.scenarios.fronts import Running
from surehop.lab.scenarios.telling import timeline_of

_LINES = 8  # of a log
_NEWS = ("debug", "info")


def tell_fronts(stage: Stage) -> None:
    """The tables and the plot that every scenario with proxies has."""
    records = stage.records()
    running: Sequence[Running] = stage.extra.get("running", [])
    stage.report.tables += [_summary(records, running), _logs(running)]
    stage.report.plots.append(timeline_of(stage, records))
    for one in running:
        some = records.get(one.front.name, [])
        lost = [record for record in some if record.failed]
        text = f"{one.front.name}: {len(lost)} of {len(some)} requests failed"
        if lost:
            text += f", from the first to the next success after the last {outage(some):.1f} s"
        stage.report.said.append(text)


def outage(records: Sequence[Record]) -> float:
    """Seconds from the first failed request to the next success after the last."""
    failed = [r.outcome.at for r in records if r.failed]
    if not failed:
        return 0.0
    after = [r.outcome.at for r in records if not r.failed and r.outcome.at > failed[-1]]
    return (after[0] if after else records[-1].outcome.at) - failed[0]


def _summary(records: Mapping[str, Sequence[Record]], running: Sequence[Running]) -> Table:
    rows: list[tuple[str, ...]] = []
    bad: set[tuple[int, int]] = set()
    good: set[tuple[int, int]] = set()
    for one in running:
        some = records.get(one.front.name, [])
        statuses = Counter(str(r.outcome.status or r.outcome.code) for r in some)
        failed = sum(record.failed for record in some)
        (bad if failed else good).add((len(rows), 2))
        twice = sum(count > 1 for count in one.tries.values())
        untried = sum(not count for count in one.tries.values())
        rows.append(
            (
                one.front.name,
                str(len(some)),
                str(failed),
                ", ".join(f"{count} of {status}" for status, count in statuses.items()),
                str(twice),
                str(untried),
                f"{outage(some):.1f}",
                f"{max((r.outcome.took for r in some), default=0) * 1000:.0f}",
                str(sum(line.level not in _NEWS for line in one.log)),
            )
        )
    columns = (
        "proxy",
        "asked",
        "failed",
        "answers",
        "tried twice",
        "never tried",
        "outage s",
        "longest ms",
        "log lines",
    )
    return Table(
        "what clients got",
        columns,
        rows,
        frozenset(bad),
        frozenset(good),
        note="never tried: answered by the proxy itself, without asking any origin; outage: from "
        "the first failure to the next success after the last",
    )


def _logs(running: Sequence[Running]) -> Table:
    rows = []
    for one in running:
        folded = list(fold(one.log))
        for line, count in folded[:_LINES]:
            message = line.message.split(" while ")[0]
            told = (one.front.name, f"{line.at:.1f}", line.level, str(count), message)
            rows.append((*told, line.upstream))
        rest = sum(count for _, count in folded[_LINES:])
        if rest:
            rows.append((one.front.name, "", "", str(rest), "… more lines", ""))
    return Table(
        "what their error logs say", ("proxy", "s", "level", "times", "message", "upstream"), rows
    )
