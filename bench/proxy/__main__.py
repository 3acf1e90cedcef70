"""`make bench-proxy`: what a proxied request costs in Surehop, nginx and HAProxy.

Each proxy in turn has one core; wrk and a fixed responder have the other. Rounds are interleaved,
figures are medians. Whole runs are written to bench/results/proxy.json and proxy.md, partial ones
to bench/results/scratch.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from bench import cpu
from bench.proxy import load, servers
from bench.proxy.report import Case, Result, Results, Sample, report

CASES = ("1x100", "64x100", "256x100", "16x1MiB")
BUSY = 0.7  # a load average above this is told
# Debian's package of each program that a run needs.
PACKAGES = {
    "wrk": "wrk",
    "strace": "strace",
    "taskset": "util-linux",
    "nginx": "nginx-light",
    "haproxy": "haproxy",
}


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.proxy", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round of 1 s: a look, no result")
    parser.add_argument("--only", metavar="NAME,…", help=f"of {', '.join(servers.SERVERS)}")
    parser.add_argument("--case", metavar="CASE,…", help=f"such as {', '.join(CASES)}")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=4, help="length of a timed run")
    parser.add_argument("--keepalive", type=int, default=64, help="idle upstream connections kept")
    parser.add_argument("--many", action="store_true", help="with 200 servers, 500 locations")
    parser.add_argument("--no-strace", action="store_true", help="don't count system calls")
    chosen = parser.parse_args()
    # HAProxy reads another language: it has no such file.
    known = ["nginx", "surehop"] if chosen.many else list(servers.SERVERS)
    names = chosen.only.split(",") if chosen.only else known
    if unknown := set(names) - servers.SERVERS.keys():
        parser.error(f"unknown proxy `{', '.join(sorted(unknown))}`")
    try:
        chosen.cases = [Case.parse(text) for text in (chosen.case or ",".join(CASES)).split(",")]
    except ValueError:
        parser.error("a case is CONNECTIONSxBYTES, such as `64x100` or `16x1MiB`")
    chosen.names = names
    chosen.whole = not (chosen.quick or chosen.only or chosen.case or chosen.no_strace)
    if chosen.quick:
        chosen.rounds, chosen.seconds = 1, 1
    return chosen


def find_programs(names: Iterable[str], *, strace: bool) -> dict[str, str]:
    """The path of each proxy; ends with the command that installs what is missing."""
    found = {name: servers.program_of(servers.SERVERS[name]) for name in names}
    needed = ["wrk", "taskset", *(["strace"] if strace else [])]
    missing = [tool for tool in needed if not shutil.which(tool)]
    missing += [name for name, path in found.items() if not path and name in PACKAGES]
    if missing:
        packages = " ".join(PACKAGES[tool] for tool in missing)
        raise SystemExit(
            f"bench-proxy: missing {', '.join(f'`{tool}`' for tool in missing)}\n"
            f"hint: sudo apt-get install --no-install-recommends {packages}"
        )
    if not shutil.which("cargo"):
        raise SystemExit("bench-proxy: missing `cargo`\nhint: https://rustup.rs")
    if "surehop" in found and not found["surehop"]:
        raise SystemExit("bench-proxy: missing `surehop`\nhint: make bench-proxy builds it")
    return {name: path for name, path in found.items() if path}


@dataclass(frozen=True)
class Bench:
    """One invocation: the chosen proxies, cores and lengths."""

    programs: dict[str, str]
    scratch: Path
    seconds: int
    keepalive: int
    many: bool
    subject: int  # the proxy's core
    other: int  # the load's and the backend's

    @property
    def host(self) -> str | None:
        return servers.MANY_HOST if self.many else None

    def started(self, name: str, address: str) -> AbstractContextManager[servers.Running]:
        return servers.started(
            servers.SERVERS[name],
            self.programs[name],
            scratch=self.scratch,
            core=self.subject,
            backend=address,
            keepalive=self.keepalive,
            of_many=self.many,
        )

    def load(self, url: str, case: Case, seconds: float) -> load.Load:
        connections = case.connections
        return load.wrk(
            url, core=self.other, connections=connections, seconds=seconds, host=self.host
        )

    def timed(self, name: str, case: Case, address: str) -> Sample:
        """A fresh proxy, warmed up, then measured."""
        with self.started(name, address) as running:
            pid = running.data_process(lambda: self.load(running.url, case, 1))
            before = cpu.read(pid)
            seen = self.load(running.url, case, self.seconds)
            cost = cpu.read(pid) - before
            memory = cpu.peak_memory(pid)
        micro = 1e6 / seen.requests
        return Sample(
            cpu=cost.total * micro,
            user=cost.user * micro,
            system=cost.system * micro,
            per_second=seen.requests / seen.elapsed,
            p50=seen.p50,
            p99=seen.p99,
            memory=memory,
            busy=cost.total / seen.elapsed,
        )

    def traced(self, name: str, case: Case, address: str) -> dict[str, float]:
        with self.started(name, address) as running:
            pid = running.data_process(lambda: self.load(running.url, case, 1))
            return load.system_calls(
                pid, running.url, core=self.other, connections=case.connections, host=self.host
            )

    def run(self, cases: list[Case], rounds: int, *, strace: bool) -> Results:
        """Every proxy in every case, once a round; another proxy goes first each time."""
        names = list(self.programs)
        results: Results = {case: {name: Result() for name in names} for case in cases}
        for number in range(rounds):
            turn = number % len(names)
            for case in cases:
                with load.backend(core=self.other, body=case.body) as address:
                    for name in names[turn:] + names[:turn]:
                        sample = self.timed(name, case, address)
                        results[case][name].samples.append(sample)
                        say(
                            f"round {number + 1}/{rounds}  {case!s:>8}  {name:8}"
                            f"{sample.cpu:9.2f} µs {sample.per_second:8.0f} requests/s"
                        )
        for case in cases if strace else []:
            with load.backend(core=self.other, body=case.body) as address:
                for name in names:
                    calls = self.traced(name, case, address)
                    results[case][name].system_calls = calls
                    total = sum(calls.values())
                    say(f"strace     {case!s:>8}  {name:8}{total:9.2f} system calls a request")
        return results


def conditions(chosen: argparse.Namespace, load_average: float) -> str:
    text = (
        f"{chosen.rounds} interleaved rounds of {chosen.seconds} s, medians; one worker on one "
        f"core, wrk and a fixed responder on another; up to {chosen.keepalive} idle connections "
        "kept to the backend; every request logged to a file (HAProxy: through standard output)."
    )
    if chosen.many:
        text += " The configuration has 200 servers and 500 locations; one of each is asked."
    if load_average > BUSY:
        text += f" **The machine was busy when it began (load {load_average:.1f}).**"
    return text


def cores() -> tuple[int, int]:
    allowed = sorted(os.sched_getaffinity(0))
    if len(allowed) < 2:
        raise SystemExit("bench-proxy: two cores are needed, one for the proxy, one for the load")
    return allowed[0], allowed[1]


def main() -> None:
    chosen = options()
    programs = find_programs(chosen.names, strace=not chosen.no_strace)
    subject, other = cores()
    load_average = os.getloadavg()[0]
    if load_average > BUSY:
        say(f"bench-proxy: other programs are running (load {load_average:.1f}): expect noise")
    say("building the backend")
    load.build_backend()
    versions = {
        name: servers.version_of(servers.SERVERS[name], path) for name, path in programs.items()
    }
    with tempfile.TemporaryDirectory(prefix="surehop-bench-") as scratch:
        # The proxies' unprivileged users must be able to come in.
        Path(scratch).chmod(0o755)
        bench = Bench(
            programs,
            Path(scratch),
            chosen.seconds,
            chosen.keepalive,
            many=chosen.many,
            subject=subject,
            other=other,
        )
        try:
            results = bench.run(chosen.cases, chosen.rounds, strace=not chosen.no_strace)
        except load.LoadError as error:
            raise SystemExit(f"bench-proxy: the load did not run through:\n{error}") from error
    told = report(cpu.machine(), conditions(chosen, load_average), versions, results)
    print(told.as_markdown(), end="")
    say(told.write("proxy-many" if chosen.many else "proxy", whole=chosen.whole))


if __name__ == "__main__":
    main()
