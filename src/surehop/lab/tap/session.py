"""One run of `surehop lab tap`: the relay with all that watches it, and what is said at the end."""

import contextlib
import os
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import TextIO

from surehop.errors import StartError
from surehop.lab.tap.address import Place
from surehop.lab.tap.drawing import drawn
from surehop.lab.tap.evidence import Evidence
from surehop.lab.tap.handle import Watchers
from surehop.lab.tap.lines import Lines
from surehop.lab.tap.link import Watcher
from surehop.lab.tap.relay import CONNECT_TIMEOUT, Relay, raise_limit
from surehop.lab.tap.sequence import of_record
from surehop.lab.tap.svg import svg
from surehop.lab.tap.tables import Table, details, headline, plain, tables
from surehop.lab.tap.tally import Tally


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for. `live` None: where stdout is a terminal."""

    listen: Place
    upstream: Place
    json: bool = False
    draw: int | None = None
    svg: Path | None = None
    connect_timeout: float = CONNECT_TIMEOUT
    live: bool | None = None
    pcap: Path | None = None
    reasons: bool = False


class Session:
    """Raises StartError where it can't listen, capture packets, or write a file."""

    def __init__(self, wish: Wish) -> None:
        self._wish = wish
        self._limit = raise_limit()
        self._deaf = False  # nobody reads the lines any more
        self._tally = Tally()
        self._tally.wanted = wish.draw
        self._lines = Lines(self._line)
        for file in filter(None, (wish.svg, wish.pcap)):
            _check_writable(file)
        self._relay = Relay(wish.listen, wish.upstream, connect_timeout=wish.connect_timeout)
        try:
            self._evidence = Evidence(
                self._relay, wish.listen, pcap=wish.pcap, reasons=wish.reasons
            )
        except StartError:
            self._relay.close()
            raise

    def run(self) -> None:
        """Until `stop`."""
        wish, relay = self._wish, self._relay
        title = f"{', '.join(relay.addresses)} → {wish.upstream}"
        with contextlib.ExitStack() as stack:
            watchers: list[Watcher] = [self._tally]
            if wish.json:
                watchers.append(self._lines)
                self._lines.tell(
                    "listening", addresses=relay.addresses, upstream=str(wish.upstream)
                )
            if self._evidence.without:
                _say(f"tap: {self._evidence.without}")
            _say(f"tap: {title}")
            if not wish.json and self._wants_live():
                from rich.console import Console  # noqa: PLC0415  an optional extra

                from surehop.lab.tap.view import EVERY, View  # noqa: PLC0415  the same

                view = stack.enter_context(View(self._tally, title, Console()))
                watchers.append(view)
                relay.every(EVERY, lambda: view.refresh(relay.open))
            relay.watcher = Watchers(*watchers)
            try:
                relay.run()
            finally:
                self._evidence.close()

    def stop(self) -> None:
        self._relay.stop()

    def report(self) -> None:
        """The tables and the drawing, on stdout; with JSON on stderr, and a last line."""
        tally, wish = self._tally, self._wish
        out = sys.stderr if wish.json else sys.stdout
        print(headline(tally), file=out)
        print("\n".join(details(tally)), file=out)
        if self._relay.full:
            print(f"descriptors ran out {self._relay.full} times (limit {self._limit})", file=out)
        _print_tables([*tables(tally), *self._evidence.tables()], out)
        if told := self._evidence.captured_in_words():
            _say(f"tap: {told}")
        self._draw()
        if wish.json:
            for reset in self._evidence.resets():
                self._lines.tell("reset", **reset)
            self._lines.tell(
                "summary",
                connections=tally.connections,
                requests=tally.requests,
                unanswered=tally.unanswered,
                late=tally.late,
                failed=tally.failed,
                bytes_up=tally.bytes_up,
                bytes_down=tally.bytes_down,
                lost=tally.lost,
                **self._evidence.as_json(),
            )

    def _draw(self) -> None:
        record, wish = self._tally.drawn, self._wish
        if record is None:
            if wish.draw:
                _say(f"tap: connection {wish.draw} was not seen")
            return
        diagram = self._evidence.diagram(record) or of_record(record, self._evidence.by_ends())
        out = sys.stderr if wish.json else sys.stdout
        if record.failed or wish.draw:
            colour = out.isatty() and "NO_COLOR" not in os.environ
            print(f"\n{drawn(diagram, colour=colour)}", file=out)
        if wish.svg:
            wish.svg.write_text(svg(diagram), "utf-8")
            _say(f"tap: connection {record.number} is drawn in {wish.svg}")

    def _wants_live(self) -> bool:
        wanted = sys.stdout.isatty() if self._wish.live is None else self._wish.live
        if wanted and not find_spec("rich"):
            _say("tap: no terminal view: `rich` is missing\nhint: pip install 'surehop[lab]'")
            return False
        return wanted

    def _line(self, line: str) -> None:
        if self._deaf:
            return
        try:
            sys.stdout.write(line)
            sys.stdout.flush()
        except BrokenPipeError:
            self._deaf = True
            raise


def _print_tables(found: list[Table], out: TextIO) -> None:
    if out.isatty() and find_spec("rich"):
        from rich.console import Console  # noqa: PLC0415  an optional extra

        from surehop.lab.tap.view import rich_table  # noqa: PLC0415  the same

        console = Console(file=out)
        for table in found:
            console.print(rich_table(table))
        return
    for table in found:
        print(f"\n{plain(table)}", file=out)


def _check_writable(path: Path) -> None:
    try:
        with path.open("a"):
            pass
    except OSError as error:
        raise StartError(f"can't write `{path}`: {error.strerror}") from error


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
