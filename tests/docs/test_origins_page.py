"""The page of the origins says what the profiles do."""

import re

import pytest
from pages import ROOT

from surehop.lab.origins import Behaviour
from surehop.lab.origins.faults import KINDS, POINTS
from surehop.lab.origins.profiles import PROFILES
from surehop.lab.toxics.toxic import TYPES

DOCS = ROOT / "docs"
ROWS = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", (DOCS / "origins.md").read_text(), re.MULTILINE))


@pytest.mark.parametrize("profile", list(PROFILES))
def test_when_an_idle_connection_ends(profile: str) -> None:
    behaviour = Behaviour().changed({"profile": profile})
    seconds = behaviour.keepalive_timeout + behaviour.buffer
    told = re.match(r"(\d+) (?:to \d+ )?s|at once", ROWS[profile])
    assert told
    assert float(told[1] or 0) == seconds


@pytest.mark.parametrize(
    ("page", "words"), [("testing.md", (*KINDS, *POINTS)), ("toxics.md", tuple(TYPES))]
)
def test_every_word_is_told(page: str, words: tuple[str, ...]) -> None:
    text = (DOCS / page).read_text()
    assert [word for word in words if f"`{word}`" not in text and f'"{word}"' not in text] == []
