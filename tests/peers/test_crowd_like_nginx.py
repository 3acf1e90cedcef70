"""When places run out, the same clients go as with nginx, and the same is told."""

import threading
from contextlib import ExitStack
from functools import partial

import pytest

from raw import Raw, get
from scripted import OK, Scripted, full
from surehop.lab.subjects import Program, Subject
from waiting import eventually

HTTP = "server { listen 127.0.0.1:@PORT@; location / { return 200 here; } }"
UPSTREAM = """
upstream back {{ server 127.0.0.1:{}; keepalive 32; }}
server {{
    listen 127.0.0.1:@PORT@; lingering_close off;
    location /here {{ return 200 here; }}
    location / {{ proxy_pass http://back; proxy_http_version 1.1; proxy_set_header Connection ""; }}
}}
"""
# What nginx counts besides: its listener and its channel.
BESIDES = 2
NONE_LEFT = "worker_connections are not enough"
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


def pressed(program: Program, places: int, idle: int, asking: int) -> tuple[list[str], list[str]]:
    """Clients that wait for nothing, then requests that wait upstream: how all of them end, and
    what is logged of them.
    """
    places += BESIDES if program.name == "nginx" else 0
    go_on = threading.Event()
    with (
        Scripted() as origin,
        Subject(program, UPSTREAM.format(origin.port), connections=places) as subject,
        ExitStack() as stack,
    ):

        def refused() -> list[str]:
            told = subject.error_log("alert", normal=True)
            return [line for line in told if NONE_LEFT in line]

        def come(count: int) -> bool:
            return origin.connections + len(refused()) >= count

        def logged() -> list[str]:
            lines = [line for line in refused() + subject.access_log() if "/here" not in line]
            plain = [line.replace(f":{origin.port}", "") for line in lines]
            return sorted(line.replace(f"] {places} ", "] N ") for line in plain)

        origin.play(go_on, OK)
        here = [stack.enter_context(Raw(subject.port)) for _ in range(idle)]
        for client in here:
            assert client.answer(get("/here"))[2] == b"here"
        there = []
        for number in range(asking):
            there.append(stack.enter_context(Raw(subject.port)).send(get(f"/{number}")))
            eventually(partial(come, number + 1))
        ends = [f"idle {client.end(0.05)}" for client in here]
        go_on.set()
        for client in there:
            try:
                ends.append(f"asking {client.head()[0]}")
            except (EOFError, ConnectionResetError):
                ends.append("asking in vain")
        answered = sum(end.endswith("00") for end in ends)
        eventually(lambda: len(logged()) == answered + len(refused()))
        return ends, logged()


@pytest.mark.parametrize(
    "crowd",
    [
        (20, 0, 12),  # the eleventh is not taken in
        (21, 0, 12),  # it is taken in, and can't go on
        (20, 12, 8),  # the idle make room for upstream connections as well
        (40, 8, 24),
        (64, 40, 20),
    ],
)
def test_upstream_connections_take_places_too(
    surehop_nginx: Program, surehop: Program, nginx: Program, crowd: tuple[int, int, int]
) -> None:
    theirs = pressed(nginx, *crowd)
    assert pressed(surehop_nginx, *crowd) == theirs
    assert pressed(surehop, *crowd) == theirs


def test_a_connect_that_hangs_takes_a_place(surehop_nginx: Program, nginx: Program) -> None:
    """Nobody answers it, and it counts as if it were there."""
    for program in (nginx, surehop_nginx):
        places = 9 + (BESIDES if program is nginx else 0)
        with full() as address, ExitStack() as stack:
            http = UPSTREAM.format(0).replace("127.0.0.1:0", address)
            subject = stack.enter_context(Subject(program, http, connections=places))
            for _ in range(4):
                stack.enter_context(Raw(subject.port)).send(get("/hangs"))
            with Raw(subject.port) as client:
                assert client.answer(get("/"))[0] == 500
