"""The terminal, with rich: what happens while it happens, and the tables at the end."""

from collections import deque
from types import TracebackType
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.table import Table as RichTable
from rich.text import Text

from surehop.lab.tap.link import Watcher
from surehop.lab.tap.record import Connection
from surehop.lab.tap.tables import Table, headline, story, tables
from surehop.lab.tap.tally import Tally

EVERY = 0.25  # seconds
_LINES = 10
_ALARM = ("RST", "failed", "before the answer", "inside")


class View(Watcher):
    """Counts and the last endings, drawn anew by `refresh`; nothing is drawn between."""

    def __init__(self, tally: Tally, title: str, console: Console) -> None:
        self._tally = tally
        self._title = title
        self._last: deque[tuple[Connection, str]] = deque(maxlen=_LINES)
        self._requests = 0
        self._live = Live(
            self._seen(0), console=console, auto_refresh=False, transient=True, screen=False
        )

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._live.stop()

    def closed(self, record: Connection) -> None:
        self._last.append((record, story(record)))

    def refresh(self, opened: int) -> None:
        self._live.update(self._seen(opened), refresh=True)

    def _seen(self, opened: int) -> RenderableType:
        rate = (self._tally.requests - self._requests) / EVERY
        self._requests = self._tally.requests
        parts: list[RenderableType] = [
            Text.assemble((self._title, "bold cyan"), ("   Ctrl-C ends it with a table", "dim")),
            Text(f"{headline(self._tally, opened)} · {rate:.0f} requests/s"),
        ]
        if self._tally.ways:
            parts.append(rich_table(tables(self._tally)[0]))
        if self._last:
            grid = RichTable.grid(padding=(0, 2))
            grid.add_column(style="dim", no_wrap=True)
            grid.add_column(no_wrap=True, overflow="ellipsis")
            for record, told in self._last:
                grid.add_row(f"#{record.number}", _coloured(told))
            parts.append(Padding(grid, (1, 0, 0, 0)))
        return Group(*parts)


def rich_table(table: Table) -> RenderableType:
    drawn = RichTable(box=None, padding=(0, 2, 0, 0), header_style="dim", pad_edge=False)
    for head in table.heads:
        drawn.add_column(head)
    for row in table.rows:
        drawn.add_row(*(_coloured(cell) for cell in row))
    parts: list[RenderableType] = [Text(table.title, style="bold"), Padding(drawn, (0, 0, 0, 2))]
    if table.note:
        parts.append(Padding(Text(table.note, style="dim"), (0, 0, 0, 2)))
    return Padding(Group(*parts), (1, 0, 0, 0))


def _coloured(text: str) -> Text:
    if any(word in text for word in _ALARM):
        return Text(text, style="red")
    return Text(text, style="yellow" if "upstream FIN" in text else "")
