"""What is looked at in a soak and when it is over: memory, descriptors, counters, the logs."""

import http.client
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NUMBER = re.compile(r" n=(\d+)$")


@dataclass(frozen=True, slots=True)
class Sample:
    """The data process at a moment. memory: resident bytes."""

    at: float
    memory: int
    descriptors: int
    threads: int


def data_process(control: int) -> int:
    """The number of the newest process that serves."""
    children = Path(f"/proc/{control}/task/{control}/children").read_text("ascii")
    return int(children.split()[-1])


def sample(pid: int, at: float) -> Sample:
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    told = dict(line.split(":", 1) for line in status.splitlines() if ":" in line)
    return Sample(
        at,
        int(told["VmRSS"].split()[0]) * 1024,
        len(list(Path(f"/proc/{pid}/fd").iterdir())),
        int(told["Threads"]),
    )


def status(port: int) -> dict[str, Any]:
    """What `surehop_status` says."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/status", headers={"Connection": "close"})
        answer: dict[str, Any] = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return answer


def active(told: dict[str, Any]) -> int:
    """Requests that are counted as under way at any peer."""
    return sum(peer["active"] for group in told["upstreams"] for peer in group["peers"])


def logged(folder: Path) -> tuple[int, list[int]]:
    """Lines of all access logs in a folder, and the numbers that their requests had."""
    lines, numbers = 0, []
    for file in sorted(folder.glob("access.log*")):
        for line in file.read_text("utf-8", "replace").splitlines():
            lines += 1
            if (found := _NUMBER.search(line)) is not None:
                numbers.append(int(found[1]))
    return lines, numbers
