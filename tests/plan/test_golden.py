"""Whole plans: `golden/*.conf` -> `golden/*.plan.json`. The native tests read the same files.

After a wanted change: SUREHOP_GOLDEN=write pytest tests/plan/test_golden.py, and read the diff.
"""

import ipaddress
import os
from collections.abc import Sequence
from pathlib import Path

import pytest

from surehop.conf.loading import loads
from surehop.plan.building import build
from surehop.plan.resolving import IPAddress

FOLDER = Path(__file__).parent.parent / "golden"
CONFIGURATIONS = sorted(FOLDER.glob("*.conf"))


def resolve(name: str) -> Sequence[IPAddress]:
    """Every name is this machine, twice."""
    assert name in {"localhost", "twohosts"}
    return [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1")]


def planned(configuration: Path) -> str:
    raw = configuration.read_bytes()
    model = loads(raw, file=configuration.name, prefix="/srv/surehop", privileged=True)
    default = b"# golden: resilience off" not in raw
    plan = build(model, resolve=resolve, resilience_default=default, version="0.1.0", cpus=2)
    return plan.to_json(indent=1) + "\n"


@pytest.mark.parametrize("configuration", CONFIGURATIONS, ids=lambda path: path.stem)
def test_golden(configuration: Path) -> None:
    golden = configuration.with_suffix(".plan.json")
    made = planned(configuration)
    if os.environ.get("SUREHOP_GOLDEN") == "write":
        golden.write_text(made)

    assert made == golden.read_text()


def test_there_are_some() -> None:
    assert len(CONFIGURATIONS) >= 5
    assert {path.name for path in FOLDER.glob("*.json")} == {
        path.with_suffix(".plan.json").name for path in CONFIGURATIONS
    }
