"""`client_body_temp_path`: a folder, with folders in it, for what does not fit the memory."""

from surehop.conf.listening import where
from surehop.conf.model import TempPath
from surehop.conf.scope import Scope
from surehop.conf.tree import Node
from surehop.conf.units import number

_LONGEST = 10  # characters that the names of the folders may have, for each word up to theirs


def read_temp_path(node: Node, _scope: Scope) -> TempPath:
    path, *words = node.words
    levels = tuple(number(word) or 0 for word in words)
    lengths = [sum(levels[: at + 1]) + at + 1 for at in range(len(levels))]
    if not all(levels) or any(length > _LONGEST + at + 1 for at, length in enumerate(lengths)):
        raise node.fail(f'"{node.name.value}" directive invalid value')
    return TempPath(path, levels, where(node))
