"""The page of the scenarios has each, and each option of a run."""

import re

from pages import ROOT

from surehop.doctor import RULES
from surehop.lab.scenarios import SCENARIOS

PAGE = (ROOT / "docs/scenarios.md").read_text()
HELP = (ROOT / "tests/cli/help/lab-run.txt").read_text()


def test_each_has_a_section() -> None:
    headings = re.findall(r"^### (\S+)$", PAGE, re.MULTILINE)
    assert sorted(headings) == sorted(SCENARIOS)


def test_each_option_is_told() -> None:
    options = set(re.findall(r"--[a-z-]+", HELP)) - {"--help"}
    assert [one for one in options if f"`{one}" not in PAGE] == []


def test_findings_name_scenarios_that_there_are() -> None:
    named = {rule.about.scenario for rule in RULES} - {""}
    assert named <= set(SCENARIOS)
    assert len(named) > 10
