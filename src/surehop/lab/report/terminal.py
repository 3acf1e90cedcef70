"""A report on the terminal: tables, the first failure, sentences. Plots are for the page."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from surehop.lab.report.data import Bars, Report, Table
from surehop.lab.report.fitting import blocks
from surehop.lab.report.verdicts import verdict_table
from surehop.lab.tap.drawing import drawn
from surehop.lab.tap.sequence import Diagram

_BEFORE_LANES = 13  # columns of a diagram
_WIDEST_LANE = 30


def show(report: Report, console: Console) -> None:
    """Print it; the console says how wide."""
    console.print(Text.assemble((report.scenario, "bold cyan"), "  ", report.title))
    told = ", ".join(f"{name} {value}" for name, value in report.asked.items())
    console.print(Padding(Text(told, style="dim"), (0, 2)))
    if report.partial:
        console.print(Padding(Text(f"partial: {report.partial}", style="bold yellow"), (0, 2)))
    tables = [*report.tables, *(_counts(plot) for plot in report.plots if isinstance(plot, Bars))]
    if report.verdicts:
        tables.append(verdict_table(report))
    for table in tables:
        _print_table(table, console)
    for diagram in report.diagrams:
        console.print(Padding(_diagram(diagram, console), (1, 0, 0, 2)))
        console.print(Padding(Text(diagram.note, style="dim"), (0, 2)))
    console.print()
    for name, value in report.measured.items():
        console.print(Padding(Text(f"{name}: {value:g}"), (0, 2)))
    for sentence in report.said:
        console.print(Padding(Text(sentence), (0, 2)))
    for skipped in report.skipped:
        console.print(Padding(Text(f"skipped {skipped.name}: {skipped.why}", style="dim"), (0, 2)))
        if skipped.hint:
            console.print(Padding(Text(f"hint: {skipped.hint}", style="dim"), (0, 2)))


def _print_table(table: Table, console: Console) -> None:
    console.print(Padding(Text(table.title, style="bold"), (1, 0, 0, 2)))
    for number, widths in enumerate(blocks(table, console.width - 2)):
        console.print(Padding(_table(table, widths), (min(number, 1), 0, 0, 2)))
    if table.note:
        console.print(Padding(Text(table.note, style="dim"), (0, 2)))


def _diagram(diagram: Diagram, console: Console) -> Text:
    lanes = max(1, len(diagram.actors) - 1)
    lane = min(_WIDEST_LANE, (console.width - _BEFORE_LANES - 2) // lanes)
    text = drawn(replace(diagram, note=""), lane=lane, colour=console.is_terminal)
    return Text.from_ansi(text, no_wrap=True, overflow="crop")


def _counts(plot: Bars) -> Table:
    rows = [(name, *(str(count) for count in row)) for name, row in plot.rows.items()]
    return Table(plot.title, ("", *plot.parts), rows, note=plot.note)


def _table(table: Table, widths: Mapping[int, int]) -> RichTable:
    """The columns that are named, as wide as that."""
    shown = RichTable(box=None, padding=(0, 2, 0, 0))
    for column, width in widths.items():
        side: Literal["left", "right"] = "left" if table.is_text(column) else "right"
        name = Text(table.columns[column])
        shown.add_column(name, justify=side, overflow="fold", width=width)
    for at, row in enumerate(table.rows):
        shown.add_row(*(Text(row[n], style=_style(table, at, n)) for n in widths))
    return shown


def _style(table: Table, row: int, column: int) -> str:
    if (row, column) in table.bad:
        return "bold red"
    return "green" if (row, column) in table.good else ""
