"""Python and the native module use the same words."""

import pytest

from surehop.conf import templates
from surehop.events import VOCABULARY

core = pytest.importorskip("surehop._core")


def test_the_vocabulary_is_the_same() -> None:
    native = [(name, [word for word, _ in words]) for name, words in core.vocabulary()]

    assert [(name, [str(word) for word in enum]) for name, enum in VOCABULARY.items()] == native


def test_every_word_has_a_meaning() -> None:
    assert all(meaning for _, words in core.vocabulary() for _, meaning in words)


def test_the_variables_are_the_same() -> None:
    native = core.variables()

    assert len(native) == len(set(native))
    assert {name for name in native if name.endswith("_")} == set(templates._PREFIXES)
    assert {name for name in native if not name.endswith("_")} == templates.VARIABLES
