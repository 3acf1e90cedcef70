"""`make bench-client`: what a request costs in Surehop's client and in others.

Every client in turn, in a process of its own, asks a fixed responder in another process: one
request after another, and 50 at once (coroutines, promises, or threads). Rounds are interleaved,
figures are medians. Whole runs are written to bench/results/client.json and client.md, partial ones
to bench/results/scratch.
"""

from __future__ import annotations

import argparse
import os
import sys

from bench import cpu
from bench.client import clients
from bench.client.report import Results, report
from bench.proxy import load

BUSY = 0.7  # a load average above this is told
BODY = 100  # bytes
CASES = (1, 50)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.client", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of 1 s: a look, no result")
    known = (*clients.ASYNC, *clients.SYNC)
    parser.add_argument("--only", metavar="NAME,…", help=f"of {', '.join(known)}")
    parser.add_argument("--at-once", metavar="N,…", default="1,50")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2, help="length of a timed run")
    parser.add_argument(
        "--pin", action="store_true", help="a core for the client, one for the server"
    )
    chosen = parser.parse_args()
    chosen.names = chosen.only.split(",") if chosen.only else list(known)
    if unknown := set(chosen.names) - set(known):
        parser.error(f"unknown client `{', '.join(sorted(unknown))}`")
    try:
        chosen.cases = tuple(int(number) for number in chosen.at_once.split(","))
    except ValueError:
        parser.error("`--at-once` takes numbers, such as `1,50`")
    chosen.whole = not (chosen.quick or chosen.only or chosen.pin or chosen.cases != CASES)
    if chosen.quick:
        chosen.rounds, chosen.seconds = 1, 1.0
    return chosen


def prepare(names: list[str]) -> list[str]:
    """Install what is compared; who can't run is told and left out."""
    say("installing the other clients")
    clients.install_python()
    if set(names) & set(clients.NODE) and (why := clients.install_node()):
        say(f"bench-client: Node's clients are left out: {why}")
        names = [name for name in names if name not in clients.NODE]
    return names


def run(chosen: argparse.Namespace, names: list[str]) -> tuple[Results, dict[str, str]]:
    """Every client in every case, once a round; another client goes first each time.

    A client that does not run through is told and left out from then on.
    """
    allowed = sorted(os.sched_getaffinity(0))
    core, other = (allowed[0] if chosen.pin else None), allowed[-1]
    results: Results = {case: {name: [] for name in names} for case in chosen.cases}
    versions: dict[str, str] = {}
    with load.backend(core=other if chosen.pin else None, body=BODY) as address:
        for number in range(chosen.rounds):
            turn = number % len(names)
            for case in chosen.cases:
                for name in names[turn:] + names[:turn]:
                    if name not in results[case]:
                        continue
                    try:
                        sample, version = clients.timed(
                            name, case, chosen.seconds, f"http://{address}/", core
                        )
                    except clients.ClientError as error:
                        del results[case][name]
                        say(f"bench-client: left out: {error}")
                        continue
                    results[case][name].append(sample)
                    versions[name.partition("-")[0]] = version
                    say(
                        f"round {number + 1}/{chosen.rounds}  {case:3} at once  {name:18}"
                        f"{sample.cpu:9.2f} µs {sample.per_second:8.0f} requests/s"
                    )
    return results, versions


def conditions(chosen: argparse.Namespace, load_average: float) -> str:
    text = (
        f"{chosen.rounds} interleaved rounds of {chosen.seconds:g} s, medians; a fixed responder "
        f"in a process of its own on loopback, bodies of {BODY} bytes, connections kept; sync "
        "clients ask 50 at once with 50 threads."
    )
    if chosen.pin:
        text += " The client has one core, the responder another."
    if load_average > BUSY:
        text += f" **The machine was busy when it began (load {load_average:.1f}).**"
    return text


def main() -> None:
    chosen = options()
    load_average = os.getloadavg()[0]
    if load_average > BUSY:
        say(f"bench-client: other programs are running (load {load_average:.1f}): expect noise")
    names = prepare(chosen.names)
    say("building the server")
    load.build_backend()
    results, versions = run(chosen, names)
    told = report(cpu.machine(), conditions(chosen, load_average), versions, results)
    print(told.as_markdown(), end="")
    lost = [name for name in names if any(name not in case for case in results.values())]
    say(told.write("client", whole=chosen.whole and not lost))
    if lost:
        raise SystemExit(f"bench-client: left out: {', '.join(lost)}")


if __name__ == "__main__":
    main()
