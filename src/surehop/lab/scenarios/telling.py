"""What most scenarios tell of their records: a row a subject, a timeline, sentences."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from surehop.lab.report.data import Mark, Row, Table, Timeline
from surehop.lab.scenarios.frame import Record, Stage

_LONGEST = 110
_KINDS = 3
# Ports differ from one connection to the next, and would make each failure one of a kind.
_PORT = re.compile(r"(\d\.\d+:|fd=|0x)[0-9a-f]+")


def outcomes_of(records: Mapping[str, Sequence[Record]], title: str = "outcome") -> Table:
    """A row a subject: how many asked, failed, came twice, took how long, and the codes."""
    rows: list[tuple[str, ...]] = []
    bad: set[tuple[int, int]] = set()
    good: set[tuple[int, int]] = set()
    for name, some in records.items():
        failed = [record for record in some if record.failed]
        (bad if failed else good).add((len(rows), 2))
        rows.append(
            (
                name,
                str(len(some)),
                str(len(failed)),
                str(sum(len(record.tries) > 1 for record in some)),
                f"{max((r.outcome.took for r in some), default=0) * 1000:.0f}",
                counted(failed),
            )
        )
    columns = ("subject", "requests", "failed", "received twice", "longest, ms", "failures")
    return Table(title, columns, rows, frozenset(bad), frozenset(good))


def own_words(records: Mapping[str, Sequence[Record]]) -> list[Table]:
    """A row a kind of failure: what the subject says of it; no table where nothing failed."""
    rows = [
        (name, str(count), code, said)
        for name, some in records.items()
        for (code, said), count in Counter(_said(r) for r in some if r.failed).most_common(_KINDS)
    ]
    columns = ("subject", "times", "code", "in its own words")
    return [Table("what failed", columns, rows)] if rows else []


def counted(failed: Iterable[Record]) -> str:
    """The failures' codes, how often each."""
    codes = Counter(_said(record)[0] for record in failed)
    return ", ".join(f"{count} {code}" for code, count in codes.most_common())


def _said(record: Record) -> tuple[str, str]:
    outcome = record.outcome
    if outcome.status:
        return str(outcome.status), ""
    message = _PORT.sub(r"\1…", outcome.message.replace("\n", " "))
    if message.startswith(outcome.code):
        message = message[len(outcome.code) :].lstrip(" :,")
    if len(message) > _LONGEST:
        message = message[: _LONGEST - 1] + "…"
    return outcome.code, message


def timeline_of(
    stage: Stage,
    records: Mapping[str, Sequence[Record]],
    title: str = "each request, and when the origin got it",
    bands: Sequence[tuple[float, float, str]] = (),
    *,
    in_turn: bool = False,
) -> Timeline:
    """Seconds since the first request of all; in_turn: each subject's own, as they took turns."""
    zero = min((r.outcome.at for some in records.values() for r in some), default=stage.began)
    rows = []
    for name, some in records.items():
        first = min((r.outcome.at for r in some), default=zero) if in_turn else zero
        rows.append(Row(name, [mark(record, first) for record in some]))
    moved = [(begin - zero, end - zero, said) for begin, end, said in bands]
    return Timeline(title, rows, moved)


def mark(record: Record, zero: float) -> Mark:
    outcome = record.outcome
    tries = tuple((one.at - zero, one.fault or "") for one in record.tries)
    told = f"{record.lane.method} {outcome.status or outcome.code}"
    return Mark(outcome.at - zero, outcome.took, record.failed, told, tries)


def listed(names: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return " and ".join(filter(None, [", ".join(names[:-1]), *names[-1:]]))


def sentences(records: Mapping[str, Sequence[Record]]) -> list[str]:
    """Who lost requests and who did not."""
    lost = {name: sum(r.failed for r in some) for name, some in records.items()}
    whole = [name for name, count in lost.items() if not count]
    told = [f"{listed(whole)}: no request failed"] if whole else []
    rest = [f"{name} {count} of {len(records[name])}" for name, count in lost.items() if count]
    return [*told, f"failed: {', '.join(rest)}"] if rest else told
