"""A package's face hands names on, and imports whose they are when one is asked for.

So nobody waits for what he does not use. Checkers don't run this: for them a face imports its names
beside it, under `TYPE_CHECKING`.
"""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def face(package: str, names: Mapping[str, str]) -> tuple[Callable[[str], object], list[str]]:
    """Give a package its `__getattr__` and `__all__`: `names` has modules with what is theirs."""
    homes = {name: module for module, theirs in names.items() for name in theirs.split()}

    def ask(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"`{package}` has no `{name}`")
        value = getattr(import_module(homes[name]), name)
        setattr(sys.modules[package], name, value)  # it is not asked for twice
        return value

    return ask, sorted(homes)
