"""The command line of a tap: `python -m surehop.lab.tap`, `surehop lab tap`."""

import argparse
import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from surehop.errors import SurehopError
from surehop.lab.tap.address import Place
from surehop.lab.tap.relay import CONNECT_TIMEOUT
from surehop.lab.tap.session import Session, Wish

_PROGRAM = "surehop lab tap"


def main(argv: Sequence[str] | None = None) -> int:
    """Relay until INT or TERM, then say what was seen."""
    options = _parser().parse_args(argv)
    try:
        wish = Wish(
            listen=Place.parse(options.listen),
            upstream=Place.parse(options.upstream, connect=True),
            json=options.json,
            draw=options.draw,
            svg=options.svg,
            connect_timeout=options.connect_timeout,
            live=options.live,
            pcap=options.pcap,
            reasons=options.reasons,
        )
        session = Session(wish)
        before = {
            number: signal.signal(number, lambda *_: session.stop())
            for number in (signal.SIGINT, signal.SIGTERM)
        }
        try:
            session.run()
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
        session.report()
    except SurehopError as error:
        print(f"{_PROGRAM}: {error}", file=sys.stderr)
        if error.hint:
            print(f"hint: {error.hint}", file=sys.stderr)
        return 1
    except BrokenPipeError:
        # Whoever read the lines has seen enough; what Python still flushes goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=_PROGRAM,
        description="A relay to put into any hop. It records for every connection who closed it, "
        "how (FIN or RST), when, after how many bytes and on which request.",
        epilog="Ctrl-C ends it with a table of what was seen.",
    )
    parser.add_argument(
        "listen",
        metavar="LISTEN",
        help="`:8000` (127.0.0.1), `[::1]:8000`, `localhost:8000`, `*:8000` (everyone may "
        "connect), `unix:PATH`; port 0 is any free one",
    )
    parser.add_argument(
        "upstream", metavar="UPSTREAM", help="`localhost:3000`, `[::1]:3000`, `unix:PATH`"
    )
    parser.add_argument("--json", action="store_true", help="a line of JSON for all that happens")
    parser.add_argument(
        "--draw",
        type=_number,
        metavar="N",
        help="draw connection N at the end (the first that failed, else the last)",
    )
    parser.add_argument("--svg", type=Path, metavar="FILE", help="write the drawing as SVG")
    parser.add_argument(
        "--pcap", type=Path, metavar="FILE", help="write the real packets as pcapng (CAP_NET_RAW)"
    )
    parser.add_argument(
        "--reasons", action="store_true", help="tell each RST with the kernel's reason (root)"
    )
    parser.add_argument(
        "--connect-timeout",
        type=_seconds,
        default=CONNECT_TIMEOUT,
        metavar="SECONDS",
        help=f"for each address of the upstream ({CONNECT_TIMEOUT:g})",
    )
    parser.add_argument(
        "--live",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="show the terminal view (where stdout is a terminal)",
    )
    return parser


def _number(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("connections count from 1")
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < float("inf"):
        raise argparse.ArgumentTypeError("a number of seconds above 0")
    return seconds
