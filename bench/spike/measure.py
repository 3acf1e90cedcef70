"""Measures the spike: relay and sequential client on each runtime, interleaved rounds, medians.

Run by run.sh, from the root of the repository, as `python3 -m bench.spike.measure`.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench import cpu

HERE = Path(__file__).parent
SPIKE = HERE / "target/release/surehop-spike"
BACKEND = HERE.parent / "backend/target/release/bench-backend"
RUNTIMES = ("reactor", "tokio-current", "tokio-multi")
KINDS = (*RUNTIMES, "blocking")  # blocking is a client only
SUBJECT, OTHER = "0", "1"  # the core of what is measured, and the core of load and backend


@dataclass(frozen=True)
class Sample:
    per_second: float
    total: float  # CPU µs per request
    user: float
    system: float


@contextmanager
def started(core: str, *command: str) -> Iterator[tuple[int, str]]:
    """A server that prints its address first, pinned to a core; its pid and address."""
    pinned = ["taskset", "-c", core, *command]
    with subprocess.Popen(pinned, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            address = process.stdout.readline().strip()
            if not address:
                raise SystemExit(f"{command[0]} did not start")
            yield process.pid, address
        finally:
            process.terminate()


def wrk(address: str, connections: int, seconds: float) -> int:
    """Loads an address from the other core; the number of requests."""
    command = ["taskset", "-c", OTHER, "wrk", "-t1", f"-c{connections}", f"-d{seconds:g}s"]
    command.append(f"http://{address}/")
    out = subprocess.run(command, capture_output=True, text=True, check=True)
    counted = re.search(r"(\d+) requests in", out.stdout)
    if not counted or "Socket errors" in out.stdout:
        raise SystemExit(f"wrk failed:\n{out.stdout}{out.stderr}")
    return int(counted[1])


def relay(runtime: str, backend: str, connections: int, seconds: int) -> Sample:
    with started(SUBJECT, str(SPIKE), "relay", runtime, backend) as (pid, address):
        wrk(address, connections, 1)
        before, begun = cpu.read(pid), time.monotonic()
        requests = wrk(address, connections, seconds)
        elapsed, cost = time.monotonic() - begun, cpu.read(pid) - before
    micro = 1e6 / requests
    return Sample(requests / elapsed, cost.total * micro, cost.user * micro, cost.system * micro)


def client(runtime: str, backend: str, seconds: int, *, pinned: bool) -> Sample:
    command = [str(SPIKE), "client", runtime, backend, str(seconds)]
    pin = ["taskset", "-c", SUBJECT] if pinned else []
    out = subprocess.run([*pin, *command], stdout=subprocess.PIPE, text=True, check=True).stdout
    requests, elapsed, on_core, user, system = map(int, out.split())
    cost = cpu.Cpu(on_core / 1e9, user, system)
    micro = 1e6 / requests
    return Sample(
        requests / elapsed * 1e9, cost.total * micro, cost.user * micro, cost.system * micro
    )


def system_calls(runtime: str, backend: str, connections: int) -> str:
    """System calls a request of a relay, in a run of its own (strace slows what it counts)."""
    with started(SUBJECT, str(SPIKE), "relay", runtime, backend) as (pid, address):
        wrk(address, connections, 1)
        trace = ["strace", "-f", "-c", "-U", "name,calls", "-p", str(pid)]
        with subprocess.Popen(trace, stderr=subprocess.PIPE, text=True) as tracer:
            assert tracer.stderr is not None
            tracer.stderr.readline()  # attached
            requests = wrk(address, connections, 2)
            tracer.terminate()
            summary = tracer.stderr.read()
    rows = re.findall(r"^(\w+)\s+(\d+)", summary, re.MULTILINE)
    calls = [(name, int(count)) for name, count in rows if name != "total"]
    calls = [(name, count) for name, count in calls if count > requests / 50]
    parts = ", ".join(f"{name} {count / requests:.2f}" for name, count in calls)
    return f"{sum(count for _, count in calls) / requests:.2f} ({parts})"


def median(samples: list[Sample]) -> Sample:
    def of(field: Callable[[Sample], float]) -> float:
        return statistics.median(map(field, samples))

    return Sample(
        of(lambda one: one.per_second),
        of(lambda one: one.total),
        of(lambda one: one.user),
        of(lambda one: one.system),
    )


def run_rounds(backend: str, *, rounds: int, seconds: int) -> dict[tuple[str, str], list[Sample]]:
    """Every case on every runtime, once a round; another runtime goes first each time."""
    results: dict[tuple[str, str], list[Sample]] = {}
    for number in range(rounds):
        turn = number % len(KINDS)
        for runtime in KINDS[turn:] + KINDS[:turn]:
            print(f"round {number + 1}/{rounds}: {runtime}", file=sys.stderr)
            for connections in (1, 64) if runtime in RUNTIMES else ():
                sample = relay(runtime, backend, connections, seconds)
                results.setdefault((f"relay, {connections} conn.", runtime), []).append(sample)
            for pinned in (True, False):
                sample = client(runtime, backend, seconds, pinned=pinned)
                case = "client, pinned" if pinned else "client, not pinned"
                results.setdefault((case, runtime), []).append(sample)
    return results


def table(results: dict[tuple[str, str], list[Sample]]) -> Iterator[str]:
    columns = "case|runtime|CPU µs/request|user|system|requests/s|CPU, reactor = 1|all rounds"
    yield "| " + columns.replace("|", " | ") + " |"
    yield "| --- | --- | ---: | ---: | ---: | ---: | ---: | --- |"
    for case in sorted({case for case, _ in results}, reverse=True):
        base = median(results[case, "reactor"]).total
        for runtime in KINDS:
            if samples := results.get((case, runtime)):
                one = median(samples)
                rounds = " ".join(f"{sample.total:.2f}" for sample in samples)
                yield (
                    f"| {case} | {runtime} | {one.total:.2f} | {one.user:.2f} | {one.system:.2f} "
                    f"| {one.per_second:.0f} | {one.total / base:.2f} | {rounds} |"
                )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=1, help="length of a timed run")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    with started(OTHER, str(BACKEND), "127.0.0.1:0", "100") as (_, backend):
        results = run_rounds(backend, rounds=options.rounds, seconds=options.seconds)
        print(f"{cpu.machine()}; {options.rounds} rounds of {options.seconds} s, medians\n")
        for line in table(results):
            print(line)
        print("\n| relay | connections | system calls/request |\n| --- | ---: | --- |")
        for runtime in RUNTIMES:
            for connections in (1, 64):
                calls = system_calls(runtime, backend, connections)
                print(f"| {runtime} | {connections} | {calls} |")


if __name__ == "__main__":
    main()
