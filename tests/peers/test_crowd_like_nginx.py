"""When places run out, the same clients go as with nginx, and the same is told."""

from contextlib import ExitStack

import pytest

from raw import Raw
from surehop.lab.subjects import Program, Subject
from waiting import eventually

HTTP = "server { listen 127.0.0.1:@PORT@; location / { return 200 here; } }"
WARNED = "worker_connections are not enough, reusing connections"


def crowded(program: Program, places: int, clients: int) -> tuple[list[int], str]:
    """Which of so many idle clients are still there at the end, and what was told at first."""
    with Subject(program, HTTP, connections=places) as subject, ExitStack() as stack:
        held = []
        for _ in range(clients):
            held.append(stack.enter_context(Raw(subject.port)))
            assert held[-1].answer()[2] == b"here"
        eventually(lambda: any(WARNED in line for line in subject.error_log("warn")))
        there = [number for number, client in enumerate(held) if client.end(0.01) == "open"]
        told = [line for line in subject.error_log("warn", normal=True) if "notice" not in line]
        return there, told[0]


@pytest.mark.parametrize(("places", "clients"), [(20, 40), (50, 70), (200, 300)])
def test_who_has_waited_longest_goes(
    surehop_nginx: Program, nginx: Program, places: int, clients: int
) -> None:
    ours, we_told = crowded(surehop_nginx, places, clients)
    theirs, they_told = crowded(nginx, places, clients)
    assert we_told == they_told
    # nginx counts its listener and its channel as well, and lets some go at a time.
    assert abs(len(ours) - len(theirs)) <= 2 + places // 16 + clients // 64
    assert ours == list(range(clients - len(ours), clients)), "the oldest went"
    assert theirs == list(range(clients - len(theirs), clients))
