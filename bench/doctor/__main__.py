"""`make bench-doctor`: how long logs take to be read, beside programs that do less, or the same.

Every program in turn reads the same file, in a process of its own. Rounds are interleaved, figures
are medians. Whole runs are written to bench/results/doctor.json and doctor.md, others to
bench/results/scratch.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from pathlib import Path

from bench import cpu
from bench.doctor import logs, programs
from bench.doctor.report import BASE, Results, report

BUSY = 0.7  # a load average above this is told
WHOLE = 1000  # MB
KINDS = ("access", "error")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.doctor", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of 50 MB: a look")
    parser.add_argument("--megabytes", type=int, default=WHOLE, help="how long each log is")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", metavar="NAME,…", help=f"of {', '.join(programs.NAMES)}")
    chosen = parser.parse_args()
    if chosen.quick:
        chosen.rounds, chosen.megabytes = 1, 50
    names = chosen.only.split(",") if chosen.only else list(programs.NAMES)
    if unknown := set(names) - set(programs.NAMES):
        parser.error(f"unknown program `{', '.join(sorted(unknown))}`")
    chosen.names = [name for name in programs.NAMES if name in {BASE, *names}]
    chosen.whole = chosen.megabytes >= WHOLE and not (chosen.quick or chosen.only)
    return chosen


def run(chosen: argparse.Namespace, folder: Path) -> Results:
    """Every program over every log, once a round; one that can't is told and left out."""
    results: Results = {}
    for kind in KINDS:
        log = folder / f"{kind}.log"
        say(f"writing {chosen.megabytes} MB of {log.name}")
        logs.write(log, kind, chosen.megabytes * 1_000_000)
        results[kind] = {name: [] for name in chosen.names}
        for number in range(chosen.rounds):
            for name in list(results[kind]):
                if number and name in programs.ONCE:
                    continue
                try:
                    sample = programs.timed(programs.command(name, kind, log), folder)
                except programs.ProgramError as error:
                    del results[kind][name]
                    say(f"bench-doctor: left out: {error}")
                    continue
                results[kind][name].append(sample)
                say(f"round {number + 1}/{chosen.rounds}  {kind:7} {name:9} {sample.wall:8.2f} s")
        log.unlink()
    return results


def main() -> None:
    chosen = options()
    load = os.getloadavg()[0]
    if load > BUSY:
        say(f"bench-doctor: other programs are running (load {load:.1f}): expect noise")
    if "polars" in chosen.names:
        programs.install()
    with tempfile.TemporaryDirectory(prefix="surehop-bench-") as folder:
        results = run(chosen, Path(folder))
    conditions = (
        f"{chosen.megabytes} MB each, {chosen.rounds} interleaved rounds, medians; goaccess once;"
        " 1 % of the requests fail, all lines of the error log tell of failures."
    )
    if load > BUSY:
        conditions += f" **The machine was busy when it began (load {load:.1f}).**"
    ran = {name for kind in results.values() for name in kind}
    versions = {name: programs.version(name) for name in programs.NAMES if name in ran}
    told = report(cpu.machine(), conditions, versions, results)
    print(told.as_markdown(), end="")
    say(told.write("doctor", whole=chosen.whole))


if __name__ == "__main__":
    main()
