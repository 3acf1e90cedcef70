"""A face hands on what checkers see of it, and nothing before it is asked for."""

import ast
from importlib import import_module
from pathlib import Path

import pytest

from surehop import events
from surehop.face import face


@pytest.mark.parametrize("package", ["surehop", "surehop.events"])
def test_what_checkers_see_is_there(package: str) -> None:
    module = import_module(package)
    tree = list(ast.walk(ast.parse(Path(str(module.__file__)).read_text("utf-8"))))
    imports = [
        each for each in tree if isinstance(each, ast.ImportFrom) and each.module != "surehop"
    ]
    seen = {each.name: n.module for n in imports for each in n.names if each.asname == each.name}
    calls = [each for each in tree if isinstance(each, ast.Call) and len(each.args) > 1]
    told = next(
        ast.literal_eval(each.args[1]) for each in calls if "face" in ast.unparse(each.func)
    )

    assert seen == {name: home for home, names in told.items() for name in names.split()}
    for name in seen:
        assert getattr(module, name) is not None


def test_other_names_are_refused() -> None:
    ask, names = face("surehop.events", {"surehop.events.words": "Cause Party"})

    assert names == ["Cause", "Party"]
    assert ask("Cause") is events.Cause
    with pytest.raises(AttributeError, match=r"`surehop\.events` has no `Effect`"):
        ask("Effect")
