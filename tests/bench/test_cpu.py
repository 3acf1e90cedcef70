from __future__ import annotations

import os
import subprocess
import sys

from bench import cpu


def test_cpu_grows_with_work() -> None:
    before = cpu.read(os.getpid())
    sum(range(2_000_000))
    assert (cpu.read(os.getpid()) - before).total > 0.001


def test_user_and_system_divide_the_exact_total() -> None:
    cost = cpu.Cpu(1.0, 1, 3)
    assert (cost.user, cost.system) == (0.25, 0.75)


def test_no_ticks_means_no_division() -> None:
    cost = cpu.Cpu(1.0, 0, 0)
    assert (cost.user, cost.system) == (0.0, 0.0)


def test_children_and_their_memory() -> None:
    command = [sys.executable, "-c", "print(flush=True); input()"]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe) as child:
        assert child.stdout is not None
        child.stdout.readline()  # an interpreter by now
        assert child.pid in cpu.children(os.getpid())
        assert cpu.peak_memory(child.pid) > 1 << 20
        child.communicate(b"\n")
    assert child.pid not in cpu.children(os.getpid())
