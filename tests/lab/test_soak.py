"""A short soak passes, and what is wrong in a soak is found."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from scripted import Scripted
from surehop.lab.soak.clients import Clients, Ledger
from surehop.lab.soak.faults import FAULTS, Origins
from surehop.lab.soak.run import Report, Soak
from surehop.lab.subjects import Program, find_surehop

RIGHT = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n"
NEEDS_SUREHOP = pytest.mark.skipif(find_surehop() is None, reason="surehop is not installed")


def test_a_short_soak(surehop: Program) -> None:
    told: list[str] = []
    report = Soak(surehop, seconds=6, seed=4, clients=1, told=told.append).run()
    assert report.findings == []
    assert report.passed
    assert report.figures["reloads"] >= 4
    assert report.figures["faults"] >= 2
    assert report.figures["requests"] > 500
    kinds = {"kept", "closing", "large", "upload", "slow", "resting", "aborting", "faulty"}
    assert set(report.figures["good"]) == kinds
    assert "lost" in told[0]


@NEEDS_SUREHOP
def test_an_interrupted_soak_leaves_a_report(tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "surehop.lab.soak", "--seconds", "60", "--seed", "5"]
    argv += ["--clients", "1", "--out", str(tmp_path)]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as soak:
        assert soak.stderr is not None
        assert "seed 5" in soak.stderr.readline()
        assert "requests" in soak.stderr.readline(), "progress is shown"
        os.kill(soak.pid, signal.SIGINT)
        told, _ = soak.communicate(timeout=30)
    assert soak.returncode == 130
    assert ", partial" in told
    report = json.loads((tmp_path / "soak.json").read_text())
    assert (report["seed"], report["whole"]) == (5, False)


def meets(*steps: bytes | str, kind: str) -> Ledger:
    """What one kind of client writes down of an origin that answers so."""
    ledger = Ledger()

    async def ask(port: int) -> None:
        clients = Clients(port, ledger, seed=1)
        task = asyncio.create_task(getattr(clients, f"_{kind}")(clients._random))
        await asyncio.wait_for(task, 20)

    with Scripted() as origin:
        origin.play(*steps)  # type: ignore[arg-type]
        asyncio.run(ask(origin.port))
    return ledger


@pytest.mark.parametrize(
    ("steps", "what"),
    [
        ((RIGHT + b"no\n",), "a wrong body"),
        ((RIGHT + b"n", "fin"), "cut"),
        (("fin",), "cut"),
        (("rst",), "cut"),
        ((b"HTTP/1.1 502 Bad\r\nContent-Length: 0\r\n\r\n",), "502"),
    ],
)
def test_what_is_wrong_is_lost(steps: tuple[bytes | str, ...], what: str) -> None:
    ledger = meets(*steps, kind="closing")
    assert dict(ledger.lost) == {f"closing: {what}": 1}
    assert not ledger.good
    assert not ledger.answered


def test_a_wrong_digest_is_lost() -> None:
    body = b'{"body": {"sha256": "no"}}'
    ledger = meets(
        b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body,
        kind="upload",
    )
    assert dict(ledger.lost) == {"upload: a wrong body": 1}


def test_a_fault_excuses_what_it_leads_to_and_no_more() -> None:
    with Origins(1, steady=0, faulty=1) as origins:
        assert origins.allowed(0.0, 1e12) == frozenset()
        heal = origins.trouble()
        begun, _, excuses = origins._history[0]
        heal()
        ended = origins._history[0][1]
        assert origins.allowed(begun - 2, begun - 1) == frozenset()
        assert origins.allowed(begun, begun) == excuses
        assert origins.allowed(ended + 10, ended + 11) == frozenset()
        assert len(origins.told) == 1
    assert all(excuses <= {"cut", 502, 504} for _, _, excuses in FAULTS)


def test_a_report_says_how_it_ended() -> None:
    assert "not finished" in Report(1).text()
    assert "soak: passed" in Report(1, whole=True).text()
    failed = Report(1, whole=True, findings=["3 threads too many"])
    assert "wrong: 3 threads too many" in failed.text()
    assert not failed.passed
