"""Load and what it cost: wrk, the fixed backend, strace."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

BACKEND = Path(__file__).parents[1] / "backend"
UNITS = {"us": 1.0, "ms": 1e3, "s": 1e6, "m": 60e6}  # wrk's, in µs


class LoadError(Exception):
    """wrk or its target did not do what was asked; the message is wrk's own output."""


@dataclass(frozen=True)
class Load:
    """What wrk saw: latencies in µs, elapsed in seconds."""

    requests: int
    elapsed: float
    p50: float
    p99: float


def parse_wrk(text: str) -> Load:
    counted = re.search(r"(\d+) requests in ([\d.]+)(us|ms|s|m)\b", text)
    rows = re.findall(r"^\s+(\d+)%\s+([\d.]+)(us|ms|s|m) *$", text, re.MULTILINE)
    shares = {percent: float(number) * UNITS[unit] for percent, number, unit in rows}
    if not counted or int(counted[1]) == 0 or not {"50", "99"} <= shares.keys():
        raise LoadError(text)
    if "Non-2xx" in text or "Socket errors" in text:
        raise LoadError(text)
    elapsed = float(counted[2]) * UNITS[counted[3]] / 1e6
    return Load(int(counted[1]), elapsed, shares["50"], shares["99"])


def wrk(url: str, *, core: int, connections: int, seconds: float, host: str | None = None) -> Load:
    # A request that waits for a core of a busy machine is slow, not lost: p99 tells of it.
    command = ["taskset", "-c", str(core), "wrk", "--latency", "--timeout", "20s", "-t1"]
    command += [f"-c{connections}", f"-d{max(1, round(seconds))}s"]
    command += [*(["-H", f"Host: {host}"] if host else []), url]
    out = subprocess.run(command, capture_output=True, text=True, check=False)
    return parse_wrk(out.stdout + out.stderr)


def build_backend() -> None:
    subprocess.run(["cargo", "build", "--release", "--quiet", "--locked"], cwd=BACKEND, check=True)


@contextmanager
def backend(*, core: int | None, body: int) -> Iterator[str]:
    """The fixed responder, on one core or on any; its address. Cheap, so wrk has what it needs."""
    program = BACKEND / "target/release/bench-backend"
    pinned = [] if core is None else ["taskset", "-c", str(core)]
    command = [*pinned, str(program), "127.0.0.1:0", str(body)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            address = process.stdout.readline().strip() if process.stdout else ""
            if not address:
                raise SystemExit("the backend did not start")
            yield address
        finally:
            process.terminate()


def parse_strace(text: str, requests: int) -> dict[str, float]:
    """Calls a request by name, the commonest first; those rarer than one in 100 are left out."""
    rows = re.findall(r"^\s*(\w+)\s+(\d+)\s*$", text, re.MULTILINE)
    calls = {name: int(count) / requests for name, count in rows if name != "total"}
    kept = {name: calls[name] for name in calls if calls[name] >= 0.01}
    return dict(sorted(kept.items(), key=lambda item: -item[1]))


def system_calls(
    pid: int, url: str, *, core: int, connections: int, host: str | None = None
) -> dict[str, float]:
    """System calls a request under load, never in a timed run: strace slows what it counts."""
    command = ["strace", "-f", "-c", "-U", "name,calls", "-p", str(pid)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        attached = tracer.stderr.readline()
        if "attached" not in attached:
            raise LoadError(f"strace can't attach: {attached.strip()}")
        try:
            load = wrk(url, core=core, connections=connections, seconds=2, host=host)
        finally:
            tracer.terminate()
        return parse_strace(tracer.stderr.read(), load.requests)
