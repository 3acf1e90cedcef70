"""Failures as scenarios, each a file: what is set up, what is asked, what is told of it."""

from surehop.lab.scenarios import (
    balanced,
    dns_flip,
    in_turn,
    keepalive_race,
    max_connections,
    port_exhaustion,
    race_meets_two_stacks,
    retry_storm,
    two_stacks,
)
from surehop.lab.scenarios.frame import Record, Scenario, Stage

_ALL = (
    keepalive_race.SCENARIO,
    max_connections.SCENARIO,
    two_stacks.SCENARIO,
    race_meets_two_stacks.SCENARIO,
    retry_storm.SCENARIO,
    *balanced.SCENARIOS,
    *in_turn.SCENARIOS,
    dns_flip.SCENARIO,
    port_exhaustion.SCENARIO,
)
SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in _ALL}

__all__ = ["SCENARIOS", "Record", "Scenario", "Stage"]
