"""A report on the terminal: its tables and what they say. Plots are for the page."""

from typing import Literal

from rich.console import Console
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from surehop.lab.report.data import Report, Table


def show(report: Report, console: Console) -> None:
    """Print it; the console says how wide."""
    console.print(Text.assemble((report.scenario, "bold cyan"), "  ", report.title))
    told = ", ".join(f"{name} {value}" for name, value in report.asked.items())
    console.print(Padding(Text(told, style="dim"), (0, 2)))
    if report.partial:
        console.print(Padding(Text(f"partial: {report.partial}", style="bold yellow"), (0, 2)))
    for table in report.tables:
        console.print(Padding(_table(table), (1, 0, 0, 2)))
        if table.note:
            console.print(Padding(Text(table.note, style="dim"), (0, 2)))
    console.print()
    for name, value in report.measured.items():
        console.print(Padding(Text(f"{name}: {value:g}"), (0, 2)))
    for sentence in report.said:
        console.print(Padding(Text(sentence), (0, 2)))
    for skipped in report.skipped:
        console.print(Padding(Text(f"skipped {skipped.name}: {skipped.why}", style="dim"), (0, 2)))
        if skipped.hint:
            console.print(Padding(Text(f"hint: {skipped.hint}", style="dim"), (0, 2)))


def _table(table: Table) -> RichTable:
    shown = RichTable(title=table.title, title_justify="left", title_style="bold", box=None)
    for number, name in enumerate(table.columns):
        side: Literal["left", "right"] = "left" if _is_text(table, number) else "right"
        shown.add_column(Text(name), justify=side, overflow="fold")
    for at, row in enumerate(table.rows):
        shown.add_row(*(Text(cell, style=_style(table, at, n)) for n, cell in enumerate(row)))
    return shown


def _is_text(table: Table, column: int) -> bool:
    return any(cell[column : column + 1] and not _number(cell[column]) for cell in table.rows)


def _number(cell: str) -> bool:
    return not cell or all(letter in "0123456789.,+-/ %" for letter in cell)


def _style(table: Table, row: int, column: int) -> str:
    if (row, column) in table.bad:
        return "bold red"
    return "green" if (row, column) in table.good else ""
