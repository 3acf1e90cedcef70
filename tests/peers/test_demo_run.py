"""The demo's way to run an incident, with real programs and in less time."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from surehop.lab.subjects import Program

pytest.importorskip("rich")

from surehop.lab.demo.incidents import BOTH_AT_ONCE, Rival, running


def test_rivals_run_side_by_side_and_leave_their_logs(nginx: Program, tmp_path: Path) -> None:
    incident = replace(BOTH_AT_ONCE, seconds=0.5)
    rivals = [Rival("one", "One", nginx), Rival("two", "Two", nginx)]
    with running(incident, rivals, tmp_path) as (runs, done):
        assert done.wait(10)
    for run in runs:
        assert [answer.status for answer in run.answers] == [200] * 3 + [502] * 7
        assert run.race == pytest.approx(0.15, abs=0.1)
        assert [line.upstream.rpartition(":")[0] for line in run.refusals] == ["[::1]"]
        assert run.tried == [1, 2, 1, 2, 1, 1, 1, 1, 1, 1]
        assert json.loads(json.dumps(run.told()))["failed"] == 7
        folder = tmp_path / "incident-3" / run.rival.key
        kept = {path.name for path in folder.iterdir()}
        assert kept == {"nginx.conf", "error.log", "access.log"}
        assert "no live upstreams" in (folder / "error.log").read_text()


def test_what_goes_wrong_in_a_run_is_raised(nginx: Program, tmp_path: Path) -> None:
    incident = replace(BOTH_AT_ONCE, http="no_such_directive;")
    with (
        pytest.raises(Exception, match="no_such_directive"),
        running(incident, [Rival("one", "One", nginx)], tmp_path),
    ):
        pass
