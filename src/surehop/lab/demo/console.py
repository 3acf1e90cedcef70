"""The demo's terminal: what is seen, step by step, in few words."""

import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from rich.console import Console, Group
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from surehop.lab.demo.incidents import Rival, Run
from surehop.lab.log_lines import LogLine, fold

_REFRESHES = 10
_WIDEST = 64  # marks
_ROOM = len("   320 of 320 failed") + 4
_MARKS = {"ok": ("▪", "bright_blue"), "two": ("◆", "yellow"), "failed": ("✕", "bold red")}
_LEVELS = {"warn": "yellow", "error": "red", "alert": "bold red", "crit": "bold red"}


def title(console: Console, number: int, name: str, configuration: str) -> None:
    console.print()
    heading = Text.assemble((f"Incident {number}  ", "bold"), (name, "bold cyan"))
    console.rule(heading, align="left", style="dim")
    console.print(Padding(Text(configuration, style="dim"), (0, 2)))


def say(console: Console, text: str) -> None:
    console.print(Padding(Text.from_markup(text), (0, 2)))


def follow(console: Console, runs: Sequence[Run], done: threading.Event) -> None:
    """Show the runs while they run: one mark a slice of time, the worst request in it."""
    title = max(len(run.rival.title) for run in runs)
    width = max(10, min(_WIDEST, console.width - title - _ROOM))
    if not console.is_terminal:
        # A log file gets the end of it, not every refresh.
        done.wait()
        console.print(_rows(runs, width))
        return
    with Live(_rows(runs, width), console=console, refresh_per_second=_REFRESHES) as live:
        while not done.wait(1 / _REFRESHES):
            live.update(_rows(runs, width))
        live.update(_rows(runs, width))


def legend(console: Console, *names: str) -> None:
    words = {
        "ok": "answered 200",
        "two": "answered 200 at the second address tried",
        "failed": "failed",
    }
    text = Text()
    for name in names:
        mark, style = _MARKS[name]
        text.append(f"{mark} ", style).append(f"{words[name]}   ", "dim")
    console.print(Padding(text, (0, 2)))


def log(console: Console, run: Run, limit: int = 8) -> None:
    """What the error log says, repeats counted, in the order of time."""
    console.print(Padding(Text(f"{run.rival.title}, error log", style="bold"), (1, 2, 0, 2)))
    table = Table.grid(padding=(0, 1))
    for style in ("dim", ""):
        table.add_column(style=style, no_wrap=True)
    table.add_column()
    folded = list(fold(run.log))
    for line, count in folded[:limit]:
        table.add_row(
            f"{line.at:5.2f} s",
            Text(f"[{line.level}]", style=_LEVELS.get(line.level, "green")),
            _message(line, count),
        )
    if len(folded) > limit:
        rest = sum(count for _, count in folded[limit:])
        table.add_row("", "", Text(f"… and {rest} more", style="dim"))
    if not folded:
        table.add_row("", "", Text("nothing", style="green"))
    console.print(Padding(table, (0, 4)))


def verdict(console: Console, rows: Iterable[Sequence[str]], rivals: Sequence[Rival]) -> None:
    table = Table(box=None, padding=(0, 3, 0, 0), header_style="bold")
    table.add_column("")
    for rival in rivals:
        table.add_column(rival.title)
    for row in rows:
        table.add_row(*row)
    console.print()
    console.print(Panel(table, title="What was seen", title_align="left", border_style="cyan"))


def written(console: Console, out: Path, names: Sequence[str]) -> None:
    folder = Text(str(out) + "/", style="bold")
    rest = Text("  " + "   ".join(names), style="dim")
    console.print(Padding(Group(Text.assemble("written to ", folder), rest), (1, 2)))


def _rows(runs: Sequence[Run], width: int) -> Padding:
    table = Table.grid(padding=(0, 1))
    table.add_column(no_wrap=True, min_width=max(len(run.rival.title) for run in runs))
    table.add_column(no_wrap=True, min_width=width)
    table.add_column(no_wrap=True)
    for run in runs:
        failed = Text(f"{run.failed} of {len(run.answers)} failed")
        failed.stylize("bold red" if run.failed else "green")
        table.add_row(Text(run.rival.title, style="bold"), _marks(run, width), failed)
    return Padding(table, (1, 2))


def _marks(run: Run, width: int) -> Text:
    kinds = ["ok"] * width
    rank = list(_MARKS)
    last = -1
    for index, answer in enumerate(run.answers):
        cell = min(int(answer.at / run.incident.seconds * width), width - 1)
        tried = run.tried[index] if index < len(run.tried) else 1
        kind = "failed" if answer.failed else "two" if tried > 1 else "ok"
        kinds[cell] = max(kinds[cell], kind, key=rank.index)
        last = max(last, cell)
    return Text.assemble(*(_MARKS[kind] for kind in kinds[: last + 1]))


def _message(line: LogLine, count: int) -> Text:
    text = Text(f"{count} times ", style="bold") if count > 1 else Text()
    text.append(line.message.split(" while ")[0])
    if line.upstream:
        text.append(f" {line.upstream}", style="cyan")
    return text
