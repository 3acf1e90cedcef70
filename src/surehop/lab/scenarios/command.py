"""`surehop lab run`."""

import argparse
import sys
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from surehop.lab.report.command import UnwrittenError, check_extra, show_or_write
from surehop.lab.scenarios import SCENARIOS

_PARTIAL = 130


def main(argv: Sequence[str] | None = None) -> int:
    """Run a scenario; 0 when it ran through, 130 when Ctrl-C ended it, 2 when it can't run."""
    options = _parser().parse_args(argv)
    scenario = SCENARIOS.get(options.scenario)
    if scenario is None:
        near = get_close_matches(options.scenario, SCENARIOS, 1)
        meant = f"`{near[0]}` is one; " if near else ""
        return _stop(f"no scenario `{options.scenario}`", f"{meant}`surehop lab list` has them all")
    try:
        check_extra()
    except UnwrittenError as error:
        return _stop(str(error))
    if options.scale <= 0:
        return _stop(f"`--scale {options.scale:g}` leaves no time", "`--scale 0.1` is quick")

    # Only now, since these import what may have been missing.
    from rich.console import Console  # noqa: PLC0415

    from surehop.lab.scenarios.progress import TerminalBar  # noqa: PLC0415
    from surehop.lab.scenarios.running import Asked, UnknownSubjectError, perform  # noqa: PLC0415

    try:
        with TerminalBar(Console(stderr=True)) as bar:
            report = perform(
                scenario,
                Asked(
                    options.subject,
                    options.scale,
                    inject=not options.no_fault,
                    node_modules=options.node_modules,
                    nginx=options.nginx,
                    haproxy=options.haproxy,
                    evidence=options.evidence,
                    bar=bar,
                ),
            )
    except UnknownSubjectError as error:
        return _stop(str(error))
    try:
        show_or_write(report, html=options.html, json=options.json)
    except UnwrittenError as error:
        return _stop(str(error))
    return _PARTIAL if report.partial else 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="surehop lab run",
        description="Make a failure happen, and see what it does to each subject: the real "
        "programs, each in a process of its own.",
    )
    parser.add_argument("scenario", metavar="SCENARIO", help="`surehop lab list` has them")
    parser.add_argument(
        "--subject",
        action="append",
        default=[],
        metavar="NAME",
        help="only this one; may be repeated (all that are found)",
    )
    parser.add_argument(
        "--scale", type=float, default=1.0, help="of all times: 0.1 is ten times as quick (1)"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON")
    parser.add_argument("--html", type=Path, metavar="FILE", help="write a page with plots")
    parser.add_argument(
        "--evidence",
        type=Path,
        metavar="DIR",
        help="keep packets, logs and configurations, for `surehop doctor`",
    )
    parser.add_argument(
        "--node-modules", type=Path, metavar="DIR", help="where axios and undici are installed"
    )
    parser.add_argument("--nginx", metavar="PATH", help="the nginx to run")
    parser.add_argument("--haproxy", metavar="PATH", help="the HAProxy to run")
    parser.add_argument(
        "--no-fault", action="store_true", help="leave the fault out, to see that it is the cause"
    )
    return parser


def _stop(what: str, hint: str = "") -> int:
    told = f"{what}\nhint: {hint}" if hint else what
    print(f"surehop lab run: {told}", file=sys.stderr)
    return 2
