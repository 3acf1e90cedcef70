"""The tables at the end, as rows; and as text where nothing finer is at hand."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest

from surehop.lab.tap.record import Connection
from surehop.lab.tap.tally import Tally, sentence, spread, words


@dataclass(frozen=True, slots=True)
class Table:
    title: str
    heads: Sequence[str]
    rows: Sequence[Sequence[str]]
    note: str = ""


def tables(tally: Tally) -> list[Table]:
    """How connections ended, connects that failed, requests."""
    found = [_endings(tally)] if tally.ways else []
    if tally.failures:
        found.append(_failures(tally))
    if tally.kept:
        found.append(_failed(tally))
    if tally.opaque:
        rows = [[why, str(count)] for why, count in tally.opaque.most_common()]
        found.append(Table("Not read as HTTP/1: bytes only", ["why", "connections"], rows))
    return found


def headline(tally: Tally, opened: int = 0) -> str:
    """One line: how much of everything."""
    parts = [_counted(tally.connections, "connection")]
    if opened:
        parts.append(f"{opened} open")
    parts.append(_counted(tally.requests, "request"))
    if tally.unanswered:
        parts.append(f"{tally.unanswered} unanswered")
    if tally.late:
        parts.append(f"{tally.late} sent after the upstream's FIN")
    if tally.failed:
        parts.append(f"{_counted(tally.failed, 'connection')} failed")
    return " · ".join(parts)


def details(tally: Tally) -> list[str]:
    """Statuses, idle times, how long answers took, bytes."""
    lines = []
    if tally.statuses:
        counted = ", ".join(f"{status}: {n}" for status, n in sorted(tally.statuses.items()))
        lines.append(f"statuses     {counted}")
    if tally.took:
        lines.append(f"answers took {spread(tally.took, fine=True)}")
    if tally.idles:
        lines.append(f"idle between {spread(tally.idles)}")
    lost = f", {tally.lost} that nobody took" if tally.lost else ""
    lines.append(f"bytes        {tally.bytes_up} up, {tally.bytes_down} down{lost}")
    return lines


def plain(table: Table) -> str:
    """The table as text, columns aligned."""
    rows = [list(table.heads), *(list(row) for row in table.rows)]
    widths = [max(map(len, column)) for column in zip_longest(*rows, fillvalue="")]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=False)).rstrip()
        for row in rows
    ]
    tail = [table.note] if table.note else []
    return "\n".join([table.title, *(f"  {line}" for line in chain(lines, tail))])


def story(record: Connection) -> str:
    """How a connection ended, in one line."""
    late = {exchange.number for exchange in record.exchanges if exchange.late}
    if record.connected is None and (record.tries or record.resolve_error):
        tried = ", ".join(f"{one.address} {one.error}" for one in record.tries)
        return f"connect failed: {tried or record.resolve_error}"
    return ", then ".join(
        f"{sentence(one, late=one.request in late)} at {one.at:.3f} s" for one in record.endings
    )


def _endings(tally: Tally) -> Table:
    ways = sorted(tally.ways.items(), key=lambda item: -item[1].count)
    rows = []
    for way, endings in ways:
        first, *rest = [words(step) for step in way] or ["nobody"]
        rows.append(
            [
                str(endings.count),
                first,
                spread(endings.idle),
                _range(endings.requests),
                ", ".join(rest),
                f"#{endings.first}",
            ]
        )
    heads = ["connections", "who ended first", "idle before", "requests", "then", "first"]
    return Table("How connections ended", heads, rows)


def _failures(tally: Tally) -> Table:
    rows = [
        [address, error, str(failure.count), f"{failure.took:.3f} s", f"#{failure.first}"]
        for (address, error), failure in tally.failures.items()
    ]
    return Table(
        "Connects that failed",
        ["address", "error", "times", "longest", "first"],
        rows,
        note="a client of the tap sees its own connection made, then reset",
    )


def _failed(tally: Tally, limit: int = 10) -> Table:
    shown = list(tally.kept)[:limit]
    rows = [[f"#{r.number}", r.client, str(r.requests), story(r)] for r in shown]
    left = tally.failed - len(shown)
    return Table(
        "Connections that failed",
        ["", "client", "requests", "what happened"],
        rows,
        note=f"… and {left} more" if left > 0 else "",
    )


def _counted(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _range(numbers: Iterable[int]) -> str:
    found = sorted(set(numbers))
    if len(found) <= 1:
        return "".join(map(str, found))
    return f"{found[0]}-{found[-1]}"
