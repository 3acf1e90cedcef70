"""What a process has cost, from /proc: exact CPU time, the user/system proportion, memory."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cpu:
    """CPU time in seconds; `user` and `system` divide the exact total as the clock ticks say."""

    total: float
    user_ticks: int
    system_ticks: int

    @property
    def user(self) -> float:
        return self.total * self.user_ticks / max(1, self.user_ticks + self.system_ticks)

    @property
    def system(self) -> float:
        return self.total - self.user if self.user_ticks + self.system_ticks else 0.0

    def __sub__(self, earlier: Cpu) -> Cpu:
        return Cpu(
            self.total - earlier.total,
            self.user_ticks - earlier.user_ticks,
            self.system_ticks - earlier.system_ticks,
        )


def read(pid: int) -> Cpu:
    """CPU of all threads of a process so far (schedstat), and its ticks (stat)."""
    total = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        total += int((thread / "schedstat").read_text().split()[0])
    # The name in parentheses may hold anything: count the fields after it.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2].split()
    return Cpu(total / 1e9, int(fields[11]), int(fields[12]))


def peak_memory(pid: int) -> int:
    """VmHWM in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise ValueError(f"process {pid} has no memory of its own")


def children(pid: int) -> list[int]:
    """Direct children of all threads of a process."""
    found: list[int] = []
    for thread in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (thread / "children").read_text().split()]
    return found


def machine() -> str:
    """The kind of machine, without its name."""
    model = "unknown processor"
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(": ")[2]
            break
    return f"{os.cpu_count()} cores ({model}), {platform.machine()}, Linux {platform.release()}"
