"""The incidents, end to end: Surehop in both its modes, and nginx as the measure of `off`.

fail_timeout is shortened where nothing else depends on it. A configuration says its mode in
a comment, so one file serves both programs.
"""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeVar

import pytest

from surehop.lab.measure import Client, Load, ask_steadily
from surehop.lab.origins import Fault, Origin, OriginProcess
from surehop.lab.subjects import Program, Subject
from waiting import eventually

TWO = {"twohosts": ["127.0.0.1", "[::1]"]}
Result = TypeVar("Result")
RACE = 4  # the request, counted from 1, that meets it


def group(*servers: str, mode: str | None = None) -> str:
    """An upstream group of these servers, and a server in front of it."""
    said = f"# surehop: resilience {mode};\n" if mode else ""
    lines = "".join(f"server {server};\n" for server in servers)
    front = "server { listen 127.0.0.1:@PORT@; location / { proxy_pass http://app; } }"
    return f"upstream app {{\n{said}{lines}}}\n{front}"


@dataclass
class Seen:
    """What a client, the logs and the origin saw."""

    statuses: list[int] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    accesses: list[str] = field(default_factory=list)
    delivered: int = 0


@contextmanager
def started(program: Program, http: str, variables: str = "") -> Iterator[tuple[Subject, int]]:
    """The program, and how many lines its error log has before any request."""
    with Subject(program, http, resolve=TWO, variables=variables) as subject:
        yield subject, len(subject.error_log("notice"))


def beside_nginx(
    incident: Callable[[Program, str | None], Result], surehop: Program, nginx: Program
) -> tuple[Result, Result]:
    """An incident that takes seconds, in `off` and in nginx at the same time."""
    with ThreadPoolExecutor(2) as pool:
        ours = pool.submit(incident, surehop, "off")
        theirs = pool.submit(incident, nginx, None)
        return ours.result(), theirs.result()


def messages(lines: list[str]) -> list[str]:
    """`[level] message`, without the particulars of the request, and the upstream's host."""
    found = []
    for line in lines:
        short = re.sub(r"^\S+ \S+ (\[\w+\]) \S+ (?:\*\d+ )?(.*?)(, client: .*)?$", r"\1 \2", line)
        where = re.search(r'upstream: "http://(\[::1\]|127\.0\.0\.1)', line)
        found.append(f"{short} {where[1] if where else ''}".strip())
    return found


def anonymous(lines: list[str], ports: dict[int, str]) -> list[str]:
    """The lines with ports named after whose they are."""
    for port, name in ports.items():
        lines = [re.sub(rf":{port}\b", f":{name}", line) for line in lines]
    return lines


def race(
    program: Program, mode: str | None, kind: str, method: str = "GET", requests: int = 12
) -> Seen:
    """Incident 3: a name with two addresses, one of them refuses; the other has one race."""
    fault = Fault(kind, nth=RACE, times=1)
    with (
        Origin(faults=[fault]) as origin,
        started(program, group(f"twohosts:{origin.port}", mode=mode)) as (subject, before),
        Client(subject.port) as client,
    ):
        seen = Seen()
        body = b"x" if method == "POST" else None
        for _ in range(requests):
            seen.statuses.append(client.ask(method, "/", body))
        eventually(lambda: len(subject.access_log()) == requests)
        ports = {origin.port: "ORIGIN", subject.port: "PORT"}
        seen.accesses = anonymous(subject.access_log(), ports)
        seen.errors = anonymous(subject.error_log("notice", normal=True)[before:], ports)
        seen.delivered = origin.stats().requests
        return seen


@pytest.mark.parametrize("kind", ["fin", "rst"])
def test_race_on_loses_no_get(surehop: Program, kind: str) -> None:
    seen = race(surehop, "on", kind, requests=40)
    assert seen.statuses == [200] * 40
    assert seen.delivered == 41, "the raced request went once more, and nothing else did"


@pytest.mark.parametrize("kind", ["fin", "rst"])
def test_race_on_logs_two_lines(surehop: Program, kind: str) -> None:
    seen = race(surehop, "on", kind, requests=40)
    assert len(seen.errors) == 2, seen.errors
    refused, ejected = seen.errors
    assert refused.startswith(
        "[error] connect() failed (111: Connection refused) while connecting to upstream, "
        'client: 127.0.0.1, server: , request: "GET / HTTP/1.1", '
        'upstream: "http://[::1]:ORIGIN/", host: "127.0.0.1:'
    )
    assert ejected.startswith("[warn] ")
    assert "[::1]:ORIGIN" in ejected


@pytest.mark.parametrize("kind", ["fin", "rst"])
def test_race_on_fails_the_raced_post_alone(surehop: Program, kind: str) -> None:
    seen = race(surehop, "on", kind, "POST", requests=40)
    assert seen.statuses.count(502) == 1
    assert set(seen.statuses) == {200, 502}
    assert seen.delivered == 40, "no POST was sent twice"


def test_race_nginx_is_out(nginx: Program) -> None:
    """The reference itself: should a later nginx do better, this says so."""
    seen = race(nginx, None, "fin")
    assert seen.statuses == [200] * 3 + [502] * 9
    assert seen.delivered == 4
    assert [line.split(" while ")[0] for line in seen.errors] == [
        "[error] connect() failed (111: Connection refused)",
        "[warn] upstream server temporarily disabled",
        "[error] upstream prematurely closed connection",
        "[warn] upstream server temporarily disabled",
        *["[error] no live upstreams"] * 9,
    ]


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("kind", ["fin", "rst"])
def test_race_off_is_nginx_line_for_line(
    surehop: Program, nginx: Program, kind: str, method: str
) -> None:
    assert race(surehop, "off", kind, method) == race(nginx, None, kind, method)


def test_race_surehop_nginx_is_nginx_line_for_line(surehop_nginx: Program, nginx: Program) -> None:
    assert race(surehop_nginx, None, "fin") == race(nginx, None, "fin")


def outage(program: Program, mode: str | None) -> tuple[list[str], float]:
    """Incident 3 from its beginning to its end, fail_timeout being 2 s: lines folded, seconds."""
    with Origin(faults=[Fault("fin", nth=RACE, times=1)]) as origin:
        http = group(f"twohosts:{origin.port} fail_timeout=2s", mode=mode)
        with started(program, http) as (subject, before):
            # nginx counts whole seconds: begun early in one, both peers return together.
            time.sleep(1.05 - time.time() % 1)
            answers = ask_steadily(subject.port, every=0.05, seconds=4.5)
            eventually(lambda: len(subject.access_log()) == len(answers))
            lines = messages(subject.error_log("notice")[before:])
    failed = [answer.at for answer in answers if answer.failed]
    return [line for line, _ in groupby(lines)], failed[-1] - failed[0]


def test_outage_off_ends_as_nginx_ends_it(surehop: Program, nginx: Program) -> None:
    (ours, our_time), (theirs, their_time) = beside_nginx(outage, surehop, nginx)
    assert ours == theirs
    assert 1.9 < their_time < 3.2
    assert 1.9 < our_time < 3.2


def stale_pair(program: Program, mode: str | None, kind: str, method: str) -> Seen:
    """Two healthy servers; the second request of the first connection of each is its race."""
    fault = Fault(kind, nth=2, times=1)
    with Origin(faults=[fault]) as one, Origin(faults=[fault]) as two:
        servers = (f"127.0.0.1:{one.port}", f"127.0.0.1:{two.port}")
        with (
            started(program, group(*servers, mode=mode)) as (subject, before),
            Client(subject.port) as client,
        ):
            seen = Seen()
            body = b"x" if method == "POST" else None
            for _ in range(8):
                seen.statuses.append(client.ask(method, "/", body))
            eventually(lambda: len(subject.access_log()) == len(seen.statuses))
            ports = {one.port: "ONE", two.port: "TWO", subject.port: "PORT"}
            seen.accesses = anonymous(subject.access_log(), ports)
            seen.errors = anonymous(subject.error_log("notice", normal=True)[before:], ports)
        assert one.stats().faults == two.stats().faults == 1
        seen.delivered = one.stats().requests + two.stats().requests
        return seen


@pytest.mark.parametrize("kind", ["fin", "rst"])
def test_two_stale_connections_on(surehop: Program, kind: str) -> None:
    seen = stale_pair(surehop, "on", kind, "GET")
    assert seen.statuses == [200] * 8
    assert seen.delivered == 10
    assert seen.errors == []


@pytest.mark.parametrize("kind", ["fin", "rst"])
def test_two_stale_connections_on_post(surehop: Program, kind: str) -> None:
    seen = stale_pair(surehop, "on", kind, "POST")
    assert seen.statuses == [200, 200, 502, 502, 200, 200, 200, 200]
    assert seen.delivered == 8
    assert not [line for line in seen.errors if line.startswith("[warn]")], "nobody is ejected"


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("kind", ["fin", "rst"])
def test_two_stale_connections_off_is_nginx_line_for_line(
    surehop: Program, nginx: Program, kind: str, method: str
) -> None:
    theirs = stale_pair(nginx, None, kind, method)
    assert 502 in theirs.statuses
    assert stale_pair(surehop, "off", kind, method) == theirs


def two_stacks(program: Program, mode: str | None) -> list[str]:
    """Incident 1 for some seconds, fail_timeout being 1 s: the log's messages."""
    with Origin() as origin:
        http = group(f"twohosts:{origin.port} fail_timeout=1s", mode=mode)
        with started(program, http) as (subject, before):
            answers = ask_steadily(subject.port, every=0.05, seconds=5)
            assert {answer.status for answer in answers} == {200}
            eventually(lambda: len(subject.access_log()) == len(answers))
            return messages(subject.error_log("notice")[before:])


PAIR = [
    "[error] connect() failed (111: Connection refused) while connecting to upstream [::1]",
    "[warn] upstream server temporarily disabled while connecting to upstream [::1]",
]


def test_two_stacks_on_is_told_once(surehop: Program) -> None:
    lines = two_stacks(surehop, "on")
    assert lines[0] == PAIR[0]
    assert len(lines) == 2, lines
    assert lines[1].startswith("[warn] ")


def test_two_stacks_off_is_told_each_time_as_by_nginx(surehop: Program, nginx: Program) -> None:
    ours, theirs = beside_nginx(two_stacks, surehop, nginx)
    for lines in (theirs, ours):
        assert len(lines) in (4, 6), "it comes back every second or two"
        assert lines == PAIR * (len(lines) // 2)


def test_two_stacks_are_warned_of_at_start(surehop: Program) -> None:
    with Origin() as origin, started(surehop, group(f"twohosts:{origin.port}")) as (subject, _):
        assert [s for s in subject.error_log("warn") if "twohosts" in s]


def test_poison_is_the_requests_own_fault(surehop: Program) -> None:
    poison = Fault("fin", path="/poison")
    with Origin(faults=[poison]) as one, Origin(faults=[poison]) as two:
        http = group(f"127.0.0.1:{one.port}", f"127.0.0.1:{two.port}", mode="on")
        names = [f"poison-{number}" for number in range(5)]
        with started(surehop, http, " $upstream_reason") as (subject, before):
            with Load(subject.port, clients=4, every=0.005) as load, Client(subject.port) as client:
                eventually(lambda: len(load.answers) > 50)
                for name in names:
                    assert client.ask("GET", "/poison", None, {"X-Request-Id": name}) == 502
                many = len(load.answers) + 100
                eventually(lambda: len(load.answers) > many)
            assert load.failed == []
            eventually(lambda: sum("/poison" in s for s in subject.access_log()) == len(names))
            reasons = [s for s in subject.access_log() if "/poison" in s]
            lines = subject.error_log("notice")[before:]
        for name in names:
            assert 1 <= one.stats().ids.get(name, 0) + two.stats().ids.get(name, 0) <= 3
    assert all(line.endswith("poison") for line in reasons), reasons
    assert not [line for line in lines if "[warn]" in line], "nobody is ejected for it"


def test_a_killed_backend_costs_nothing_and_comes_back(surehop: Program) -> None:
    with OriginProcess() as one, OriginProcess() as two:
        http = group(f"127.0.0.1:{one.port}", f"127.0.0.1:{two.port}", mode="on")
        with started(surehop, http) as (subject, before):
            with Load(subject.port, clients=4, every=0.005) as load:
                eventually(lambda: one.stats().requests > 20)
                one.kill()
                gone = len(load.answers)
                eventually(lambda: len(load.answers) > gone + 200)
                settled = len(subject.access_log())
                one.restart()
                eventually(lambda: one.stats().requests > 20, within=20)
            assert load.failed == []
            eventually(lambda: len(subject.access_log()) == len(load.answers))
            later = subject.access_log()[settled:]
            lines = messages(subject.error_log("notice")[before:])
    assert not [s for s in later if ", " in s], "no live request was the test"
    assert sum(line.startswith("[warn]") for line in lines) == 1, lines
    assert sum(line.startswith("[notice]") for line in lines) == 1, lines


def test_two_stacks_are_not_spoken_of_with_resilience_off(surehop: Program) -> None:
    with Origin() as origin:
        http = group(f"twohosts:{origin.port}", mode="off")
        with started(surehop, http) as (subject, _):
            assert not [s for s in subject.error_log("info") if "twohosts" in s]
