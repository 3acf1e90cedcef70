"""Failures as scenarios, each a file: what is set up, what is asked, what is told of it."""

from surehop.lab.scenarios import keepalive_race, max_connections, race_meets_two_stacks, two_stacks
from surehop.lab.scenarios.frame import Record, Scenario, Stage

SCENARIOS: dict[str, Scenario] = {
    module.SCENARIO.name: module.SCENARIO
    for module in (keepalive_race, max_connections, two_stacks, race_meets_two_stacks)
}

__all__ = ["SCENARIOS", "Record", "Scenario", "Stage"]
