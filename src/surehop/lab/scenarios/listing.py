"""`surehop lab list`."""

import argparse
from collections.abc import Sequence

from surehop.lab.scenarios import SCENARIOS


def main(argv: Sequence[str] | None = None) -> int:
    """Print a line a scenario: its name, about how long it takes, what it is."""
    parser = argparse.ArgumentParser(
        prog="surehop lab list",
        description="The scenarios that `surehop lab run` knows, and about how long each takes at "
        "`--scale 1` with every subject here.",
    )
    parser.parse_args(argv)
    width = max(map(len, SCENARIOS))
    for name, scenario in SCENARIOS.items():
        print(f"{name:{width}}  {scenario.takes:3} s  {scenario.title}")
    return 0
