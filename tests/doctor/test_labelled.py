"""Incidents of which the cause is known, as real proxies logged them: it is told first."""

import shutil
from pathlib import Path

import pytest
from incident_runs import HAPROXY, INCIDENTS, run
from reading import options

from missing import missing
from surehop.doctor import Finding, examine
from surehop.lab.subjects import find_nginx

# What stands in the folder of each; a log alone must do, too.
NGINX_TARGETS = (("error.log",), ("nginx.conf", "error.log"), ("nginx.conf", "access.log"))
HAPROXY_TARGETS = (("haproxy.log",), ("haproxy.cfg", "haproxy.log"))
CAUSES = {
    "two-stacks": "SH001",
    "race-meets-two-stacks": "SH001",
    "two-stale-connections": "SH006",
    "poison-request": "SH051",
    "dead-backend": "SH044",
    "flapping-backend": "SH044",
    "slow-backend": "SH045",
    "max-connections": "SH026",
    "reload-under-load": "SH034",
    "keepalive-race": "SH004",
    "keepalive-race-reset": "SH005",
    "reset-mid-body": "SH047",
    "garbage": "SH048",
    "accept-queue-full": "SH014",
    "never-answers": "SH045",
    **dict.fromkeys(HAPROXY, "SH031"),
}
# What clients logged of them, as the lab has them do it.
CLIENTS = {
    ("keepalive-race", "axios"): "SH022",
    ("reset-mid-body", "axios"): "SH047",
    ("reset-mid-body", "requests"): "SH047",
    ("keepalive-race", "httpx"): "SH024",
    ("keepalive-race", "requests"): "SH025",
    **dict.fromkeys(
        [("max-connections", name) for name in ("axios", "undici", "httpx", "requests")], "SH026"
    ),
}
# What an access log can tell of them; of the others only that requests fail, or nothing.
BY_STATUS = {
    "two-stacks": "SH001",
    "race-meets-two-stacks": "SH006",
    "two-stale-connections": "SH006",
    "poison-request": "SH051",
    "slow-backend": "SH045",
    "never-answers": "SH045",
    "keepalive-race": "SH007",
    "keepalive-race-reset": "SH007",
}
# Which of HAProxy's termination states each is.
STATES = {
    "haproxy-dead": "SC",
    "haproxy-slow": "sH",
    "haproxy-mid-body": "SD",
    "haproxy-queue": "sQ",
    "haproxy-accept-queue-full": "sC",
    "haproxy-max-connections": "SH",
    "haproxy-garbage": "PH",
}
# A quick one of each kind, to see that the records are what these programs write today.
LIVE = ("two-stacks", "keepalive-race", "haproxy-dead")


def told(folder: Path, *targets: str) -> list[Finding]:
    files = [str(folder / name) for name in targets]
    return list(examine(files, options({"localhost": "127.0.0.1,[::1]"})).findings)


@pytest.mark.parametrize(
    ("name", "targets"),
    [
        pytest.param(name, targets, id=f"{name}: {'+'.join(targets)}")
        for name in CAUSES
        for targets in (HAPROXY_TARGETS if name in HAPROXY else NGINX_TARGETS)
        if "access.log" not in targets or name in BY_STATUS
    ],
)
def test_the_cause_is_told_first(name: str, targets: tuple[str, ...]) -> None:
    first, *_ = told(INCIDENTS / name, *targets)

    wanted = BY_STATUS if "access.log" in targets else CAUSES
    assert first.id == wanted[name], first.title
    assert name not in HAPROXY or f"`{STATES[name]}`" in first.title
    assert first.quotes


@pytest.mark.parametrize(("name", "client"), CLIENTS)
def test_the_cause_is_told_first_to_who_has_the_clients_log(name: str, client: str) -> None:
    first, *_ = told(INCIDENTS / name, f"{client}.log")

    assert first.id == CLIENTS[name, client], first.title


def test_both_causes_and_their_product() -> None:
    found = told(INCIDENTS / "race-meets-two-stacks", "nginx.conf", "error.log")

    assert [each.id for each in found][:2] == ["SH001", "SH006"]
    assert "SH004" in [each.id for each in found]


def test_every_record_has_a_cause() -> None:
    assert {folder.name for folder in INCIDENTS.iterdir()} >= set(CAUSES)


@pytest.mark.peers
@pytest.mark.parametrize("name", LIVE)
def test_it_is_told_of_what_happens_now(name: str, tmp_path: Path) -> None:
    if name in HAPROXY and not shutil.which("haproxy"):
        missing("haproxy")
    if name not in HAPROXY and find_nginx() is None:
        missing("a current nginx")
    run(name, tmp_path)

    first, *_ = told(tmp_path, "haproxy.log" if name in HAPROXY else "error.log")

    assert first.id == CAUSES[name], first.title
