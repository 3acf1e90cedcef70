"""`python -m surehop.lab.soak`, which `make soak` runs."""

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from surehop.lab.soak.run import Soak, save
from surehop.lab.subjects import find_surehop

_TEN_MINUTES = 600.0


def main(argv: Sequence[str] | None = None) -> int:
    """0 if all is as it should be, 1 if not, 2 if it can't run, 130 if it was interrupted."""
    parser = argparse.ArgumentParser(
        prog="surehop.lab.soak",
        description="Mixed load, reloads, reopened logs and failing origins; nothing may be lost.",
    )
    parser.add_argument("--seconds", type=float, default=_TEN_MINUTES, metavar="N")
    parser.add_argument("--seed", type=int, metavar="N", help="repeat a soak; default: by chance")
    parser.add_argument("--workers", type=int, default=2, metavar="N")
    parser.add_argument("--clients", type=int, default=2, metavar="N", help="of each of nine kinds")
    parser.add_argument("--out", type=Path, default=Path("soak-out"), metavar="DIR")
    options = parser.parse_args(argv)
    surehop = find_surehop()
    if surehop is None:
        told = "soak: `surehop` is not installed beside this Python\nhint: make soak"
        print(told, file=sys.stderr)
        return 2
    seed = random.SystemRandom().randrange(1 << 32) if options.seed is None else options.seed
    print(f"soak: {options.seconds:g} s, seed {seed}", file=sys.stderr, flush=True)
    soak = Soak(
        surehop,
        seconds=options.seconds,
        seed=seed,
        workers=options.workers,
        clients=options.clients,
        told=_Progress(options.seconds),
    )
    code = 130
    try:
        code = 0 if soak.run().passed else 1
    except KeyboardInterrupt:
        print(file=sys.stderr)
    finally:
        print(soak.report.text())
        print(f"soak: the report is {save(soak.report, options.out)}", file=sys.stderr)
    return code


class _Progress:
    """A line that is written over on a terminal; elsewhere one every half minute."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._lines = 0

    def __call__(self, line: str) -> None:
        if sys.stderr.isatty():
            print(f"\r{line} of {self._seconds:g} s ", end="", file=sys.stderr, flush=True)
        elif self._lines % 30 == 0:
            print(line, file=sys.stderr, flush=True)
        self._lines += 1
