"""Heads changed at random are taken as nginx takes them, but where mutated.py says why not.

`make fuzz ARGS="heads SECONDS"` goes on with other seeds.
"""

import os
from collections.abc import Iterator

import pytest
from fronts import Fronts, fronts
from mutated import complaints, heads

from surehop.lab.subjects import Program

SEED = int(os.environ.get("SUREHOP_SEED", "1"))


@pytest.fixture(scope="module")
def running(surehop: Program, surehop_nginx: Program, nginx: Program) -> Iterator[Fronts]:
    with fronts(surehop, surehop_nginx, nginx) as running:
        yield running


def test_a_seed_makes_the_same_heads() -> None:
    assert heads(SEED, 50) == heads(SEED, 50) != heads(SEED + 1, 50)


def test_like_nginx(running: Fronts) -> None:
    told = complaints(running, SEED, 400)
    assert not told, f"seed {SEED}:\n" + "\n".join(told)
