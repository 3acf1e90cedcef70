"""The six points where `resilience on` differs from nginx, each on and off, through the real proxy.

Attribution, probing and poison are in tests/peers/test_incidents.py, where nginx stands beside;
`resilience_sent` needs a connection that dies between two lines of code, which the engine's own
scripts provoke.
"""

import json
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest

from surehop.lab.measure import Client
from surehop.lab.origins import Fault, Origin
from surehop.lab.subjects import Program, Subject
from waiting import eventually

FRONT = """
server {
  listen 127.0.0.1:@PORT@;
  location / { proxy_pass http://app; %s }
  location = /status { surehop_status; }
}
"""


@contextmanager
def proxied(
    program: Program, *servers: str, directives: str = "", location: str = ""
) -> Iterator[Subject]:
    """The program in front of these servers; an access line ends in the attempts' reasons."""
    lines = "".join(f"server {server};\n" for server in servers)
    http = f"upstream app {{\n{lines}{directives}\n}}\n{FRONT % location}"
    with Subject(program, http, variables=" $upstream_reason") as subject:
        yield subject


def peers(subject: Subject) -> list[dict[str, Any]]:
    return group(subject)["peers"]  # type: ignore[no-any-return]


def group(subject: Subject) -> dict[str, Any]:
    url = f"http://127.0.0.1:{subject.port}/status"
    with urllib.request.urlopen(url, timeout=10) as answer:
        return json.load(answer)["upstreams"][0]  # type: ignore[no-any-return]


def at(origin: Origin, options: str = "") -> str:
    return f"127.0.0.1:{origin.port} {options}"


# --- 1. the connection is not the peer: a key allows what the method does not


@pytest.mark.parametrize(
    ("directives", "statuses", "delivered"),
    [
        ("", [200] * 4, 5),
        ("resilience_replay_keyed off;", [200, 502, 200, 200], 4),
        ("resilience_attribution off;", [200, 502, 200, 200], 4),
    ],
)
def test_a_keyed_post_is_replayed(
    surehop: Program, directives: str, statuses: list[int], delivered: int
) -> None:
    with (
        Origin(faults=[Fault("fin", nth=2, times=1)]) as origin,
        proxied(surehop, at(origin), directives=directives) as subject,
        Client(subject.port) as client,
    ):
        key = {"Idempotency-Key": "k-1"}
        assert [client.ask("POST", "/", b"x", key) for _ in range(4)] == statuses
        assert origin.stats().requests == delivered


# --- 2. a live request is never the test


def test_an_ejected_peer_returns_without_a_request_paying(surehop: Program) -> None:
    with Origin() as one, Origin() as two:
        one.set(listen="none")
        with (
            proxied(surehop, at(one, "fail_timeout=1s"), at(two)) as subject,
            Client(subject.port) as client,
        ):
            assert {client.ask() for _ in range(4)} == {200}
            assert peers(subject)[0]["why"] == "refused"
            # nginx would test it by a live request after a second: here only probes do.
            eventually(lambda: peers(subject)[0]["probe_failures"] >= 2)
            assert {client.ask() for _ in range(4)} == {200}
            assert peers(subject)[0]["picks"] == 1
            one.set(listen="ipv4")
            eventually(lambda: peers(subject)[0]["state"] == "available", within=20)
            while one.stats().requests == 0:
                assert client.ask() == 200
            assert peers(subject)[0]["failures"] == 1
            assert peers(subject)[0]["connects"] == 0, "it used the connection that the probe made"


def test_probing_off_lets_a_live_request_test(surehop: Program) -> None:
    with Origin() as one, Origin() as two:
        one.set(listen="none")
        servers = at(one, "fail_timeout=1s"), at(two)
        with (
            proxied(surehop, *servers, directives="resilience_probe off;") as subject,
            Client(subject.port) as client,
        ):

            def failed_again() -> bool:
                assert client.ask() == 200
                return peers(subject)[0]["failures"] >= 2  # type: ignore[no-any-return]

            eventually(failed_again)
            assert peers(subject)[0]["probes"] == 0


# --- 3. the last reachable peer is not taken out


@pytest.mark.parametrize(
    ("directives", "reached", "reason"),
    [("", 5, "invalid"), ("resilience_last_peer off;", 1, "no_live")],
)
def test_the_last_reachable_peer_stays(
    surehop: Program, directives: str, reached: int, reason: str
) -> None:
    with Origin(faults=[Fault("garbage", path="/bad")]) as bad, Origin() as dead:
        dead.set(listen="none")
        with (
            proxied(surehop, at(dead), at(bad), directives=directives) as subject,
            Client(subject.port) as client,
        ):
            assert [client.ask(path="/bad") for _ in range(5)] == [502] * 5
            assert bad.stats().paths["/bad"] == reached
            eventually(lambda: sum("/bad" in line for line in subject.access_log()) == 5)
            last = [line for line in subject.access_log() if "/bad" in line][-1]
            assert last.endswith(reason)


def test_with_all_out_one_request_a_peer_is_the_trial(surehop: Program) -> None:
    """Two peers refuse: the next request is a trial, and finds out at once that one is back."""
    with Origin() as one, Origin() as two:
        one.set(listen="none")
        two.set(listen="none")
        with proxied(surehop, at(one), at(two)) as subject:
            with Client(subject.port) as client:
                assert client.ask() == 502
                assert {peer["state"] for peer in peers(subject)} <= {"ejected", "probing"}
                one.set(listen="ipv4")
                assert client.ask() == 200, "the trial succeeds as soon as a peer is back"
            eventually(lambda: len(subject.access_log()) >= 2)
            assert subject.access_log()[0].endswith("refused, refused")


def test_with_all_out_a_trial_is_alone(surehop: Program) -> None:
    with Origin(faults=[Fault("garbage", times=2)], delay=0) as one, Origin() as two:
        two.set(listen="none")
        servers = at(one, "max_fails=1"), at(two)
        with proxied(surehop, *servers) as subject, Client(subject.port) as client:
            client.ask()
            client.ask()
            one.set(listen="none", delay=0)
            one.close_idle("fin")
            # Now nobody is reachable: refused and refused.
            while client.ask() == 200:
                pass
            with ThreadPoolExecutor(16) as pool:

                def ask(_: int) -> int:
                    with Client(subject.port) as another:
                        return another.ask()

                assert set(pool.map(ask, range(64))) == {502}
            picks = sum(peer["picks"] for peer in peers(subject))
            # A trial is refused at once, so several come one after another; never more than asked.
            assert picks < 64 * 2 + 8
            eventually(lambda: len(subject.access_log()) >= 64)
            assert any(line.endswith(" no_live") for line in subject.access_log()[-64:])


@pytest.mark.parametrize("mode", ["on", "off"])
def test_a_group_of_one_is_never_out(surehop: Program, mode: str) -> None:
    with Origin(faults=[Fault("half_head", path="/bad")]) as origin:
        said = f"resilience {mode};"
        with (
            proxied(surehop, at(origin), directives=said) as subject,
            Client(subject.port) as client,
        ):
            assert [client.ask(path="/bad") for _ in range(3)] == [502] * 3
            assert client.ask() == 200
            assert origin.stats().paths["/bad"] == 3


# --- 4. idle time-outs are learned


def test_a_hint_is_honoured(surehop: Program) -> None:
    """The origin says 1 s and would wait for 31: we let go first, so no race can happen."""
    with (
        Origin(keepalive_timeout=1, buffer=30) as origin,
        proxied(surehop, at(origin)) as subject,
        Client(subject.port) as client,
    ):
        assert client.ask() == 200
        began = time.monotonic()
        eventually(lambda: origin.stats().open == 0)
        assert time.monotonic() - began < 1, "it let go before the origin's own time was over"


def test_without_the_point_a_hint_is_nothing(surehop: Program) -> None:
    with (
        Origin(keepalive_timeout=1, buffer=30) as origin,
        proxied(surehop, at(origin), directives="resilience_idle off;") as subject,
        Client(subject.port) as client,
    ):
        began = time.monotonic()
        while time.monotonic() < began + 1.3:
            assert client.ask() == 200
            eventually(lambda: time.monotonic() > began + 1.2, within=2)
        assert origin.stats().connections == 1


def test_a_time_out_is_learned_from_idle_closes(surehop: Program) -> None:
    with (
        Origin(keepalive_timeout=1.2, hint=False) as origin,
        proxied(surehop, at(origin)) as subject,
    ):
        with ThreadPoolExecutor(3) as pool:

            def ask(_: int) -> int:
                with Client(subject.port) as client:
                    return client.ask(path="/slow?ms=200")

            assert list(pool.map(ask, range(3))) == [200] * 3
        assert origin.stats().connections == 3
        eventually(lambda: peers(subject)[0]["learned_idle_ms"] is not None)
        assert 1000 <= peers(subject)[0]["learned_idle_ms"] <= 1400


# --- 6. retries have a budget


@pytest.mark.parametrize("mode", ["on", "off"])
def test_retries_have_a_budget(surehop: Program, mode: str) -> None:
    """Every other request meets a 503 and goes on to the next peer, as long as the budget lasts."""
    with Origin(status=503) as bad, Origin() as good:
        servers = at(bad, "max_fails=0"), at(good)
        said = "" if mode == "on" else "resilience_budget off;"
        location = "proxy_next_upstream error timeout http_503;"
        with (
            proxied(surehop, *servers, directives=said, location=location) as subject,
            Client(subject.port) as client,
        ):
            statuses = [client.ask() for _ in range(600)]
            told = group(subject)
    refused = statuses.count(503)
    if mode == "off":
        assert refused == 0
        return
    assert refused == told["retries_denied"] > 0
    # 100 in reserve, a fifth of 600 requests, and what the reserve regains meanwhile.
    assert statuses[:150] == [200] * 150
