"""The Python words against the engine's source, so that no build is needed to see a difference."""

import re
from pathlib import Path

from surehop.events import VOCABULARY

OUTCOME = Path(__file__).parents[2] / "crates" / "engine" / "src" / "outcome.rs"


def test_the_engine_has_the_same_words() -> None:
    source = OUTCOME.read_text()
    blocks = re.findall(r"^words! \{\n(.*?)^\}", source, re.DOTALL | re.MULTILINE)
    engine = {
        found[1]: re.findall(r' = "(\w+)", "', block)
        for block in blocks
        if (found := re.search(r"^    (\w+) \{", block, re.MULTILINE))
    }

    assert {name: [str(word) for word in enum] for name, enum in VOCABULARY.items()} == engine
