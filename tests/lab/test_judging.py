"""What a run leaves behind is kept, and the doctor's first finding on it is the fault."""

import shutil
from pathlib import Path

import pytest

from missing import missing
from surehop.cli import main
from surehop.lab.report import read_report
from surehop.lab.scenarios import SCENARIOS
from surehop.lab.scenarios.running import Asked, perform


@pytest.mark.parametrize(
    ("name", "finding"),
    [("two-stacks", "SH001"), ("two-stale-connections", "SH006"), ("dead-backend", "SH044")],
)
def test_the_first_finding_is_the_fault(name: str, finding: str) -> None:
    report = perform(SCENARIOS[name], Asked(("surehop-nginx",), 0.05))
    verdict = next(one for one in report.verdicts if one.subject == "surehop-nginx")
    assert (verdict.id, verdict.right) == (finding, True)
    assert set(verdict.read) >= {"nginx configuration", "nginx error log"}
    assert finding in report.expected


@pytest.mark.peers
def test_haproxy_says_itself_how_sessions_ended() -> None:
    if not shutil.which("haproxy"):
        missing("haproxy (apt-get install haproxy)")
    report = perform(SCENARIOS["slow-backend"], Asked(("haproxy",), 0.05))
    verdict = next(one for one in report.verdicts if one.subject == "haproxy")
    assert (verdict.id, verdict.right) == ("SH031", True)
    assert verdict.read == ("haproxy configuration", "haproxy log")


def test_without_the_fault_it_is_not_found() -> None:
    asked = Asked(("surehop-nginx",), 0.05, inject=False)
    found = {one.id for one in perform(SCENARIOS["dead-backend"], asked).verdicts}
    assert "SH044" not in found


def test_what_is_left_is_kept_for_the_doctor(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    words = ["two-stacks", "--scale", "0.05", "--subject", "surehop-nginx"]
    assert main(["lab", "run", *words, "--evidence", str(kept)]) == 0
    assert "Connection refused" in (kept / "surehop-nginx/logs/error.log").read_text()
    assert main(["doctor", str(kept / "surehop-nginx"), "--offline"]) == 1
    words = ["max-connections", "--scale", "0.2", "--subject", "httpx"]
    saved = tmp_path / "run.json"
    assert main(["lab", "run", *words, "--evidence", str(kept), "--json", str(saved)]) == 0
    log = (kept / "httpx/application.log").read_text()
    failed = sum(one["status"] == 0 for one in read_report(saved).requests)
    assert log.count("ERROR request failed") == failed > 0
