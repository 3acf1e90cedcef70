"""What the words say that are about clients' heads and connections."""

from surehop.conf.scope import Scope
from surehop.conf.tree import Node
from surehop.conf.units import number, size

_KEPT_FROM = ("none", "msie6", "safari")


def read_large(node: Node, _scope: Scope) -> tuple[int, int]:
    """Read how many buffers there are, and their size."""
    count, length = number(node.args[0].value), size(node.args[1].value)
    if not count or not length:
        raise node.fail(f'"{node.name.value}" directive invalid value')
    return count, length


def read_disabled(node: Node, scope: Scope) -> tuple[str, ...]:
    words: list[str] = []
    for token in node.args:
        word = token.value.lower()
        if word not in _KEPT_FROM:
            raise node.fail(f'invalid value "{token.value}"', at=token)
        if word in words:
            scope.findings.warnings.append(node.fail(f'duplicate value "{word}"', at=token))
        words.append(word)
    return tuple(dict.fromkeys(words))
