"""`surehop lab report`."""

import argparse
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from surehop.lab.report.data import Report
from surehop.lab.report.saved import NoReportError, read_report

_WANTED = ("rich", "matplotlib")


def main(argv: Sequence[str] | None = None) -> int:
    """Show a report that was saved; 0, or 2 where it is none or can't be written."""
    options = _parser().parse_args(argv)
    try:
        show_or_write(read_report(options.file), html=options.html)
    except (NoReportError, UnwrittenError) as error:
        print(f"surehop lab report: {error}", file=sys.stderr)
        return 2
    return 0


class UnwrittenError(Exception):
    """A report can't be shown or written; the message says what to do."""


def check_extra() -> None:
    """UnwrittenError where a report could not be shown."""
    missing = [name for name in _WANTED if not find_spec(name)]
    if missing:
        hint = "pip install 'surehop[lab]'"
        raise UnwrittenError(f"{' and '.join(missing)} missing\nhint: {hint}")


def show_or_write(report: Report, *, html: Path | None = None, json: Path | None = None) -> None:
    """On the terminal, and into the files that are named. UnwrittenError where that fails."""
    check_extra()
    # Only now, since these want the extra.
    from rich.console import Console  # noqa: PLC0415

    from surehop.lab.report.page import write_page  # noqa: PLC0415
    from surehop.lab.report.terminal import show  # noqa: PLC0415

    show(report, Console(highlight=False))
    try:
        if json:
            json.write_text(report.to_json(), "utf-8")
        if html:
            write_page(report, html)
    except OSError as error:
        told = f"the report was not written: `{error.filename}`: {error.strerror}"
        raise UnwrittenError(f"{told}\nhint: name another file") from None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="surehop lab report",
        description="Show a report again that `surehop lab run --json FILE` saved.",
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="what `--json` wrote")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with plots")
    return parser
