"""The bench runs: a look at one case, with the real programs."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from missing import missing

ROOT = Path(__file__).parents[2]
NEEDED = ("cargo", "haproxy", "nginx", "strace", "taskset", "wrk")


def test_bench_proxy_measures_all_three() -> None:
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    if absent := [name for name in NEEDED if not shutil.which(name, path=path)]:
        missing(", ".join(absent))
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("missing: a second core")

    done = subprocess.run(
        [sys.executable, "-m", "bench.proxy", "--quick", "--case", "64x100"],
        cwd=ROOT,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )

    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("|")]
    names = [row.split("|")[1].strip() for row in rows]
    assert {"nginx", "haproxy", "surehop"} <= set(names), done.stdout
    assert "epoll_wait" in done.stdout
