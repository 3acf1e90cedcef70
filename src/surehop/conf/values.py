"""Values of one word: numbers, times, sizes, switches. The wording is nginx's."""

from collections.abc import Callable
from typing import Any

from surehop.conf.scope import Reader, Scope
from surehop.conf.tree import Node
from surehop.conf.units import number, size


def flag(node: Node, _scope: Scope) -> bool:
    value = node.args[0].value.lower()
    if value not in {"on", "off"}:
        raise node.fail(
            f'invalid value "{node.args[0].value}" in "{node.name.value}" directive, '
            'it must be "on" or "off"',
            at=node.args[0],
        )
    return value == "on"


def one(parse: Callable[[str], Any], complaint: str = "invalid value") -> Reader:
    """Make a reader of the one-word form `parse` reads."""

    def read(node: Node, _scope: Scope) -> Any:
        value = parse(node.args[0].value)
        if value is None:
            raise node.fail(f'"{node.name.value}" directive {complaint}', at=node.args[0])
        return value

    return read


def choice(*words: str, not_supported: tuple[str, ...] = ()) -> Reader:
    def read(node: Node, _scope: Scope) -> str:
        word = node.args[0].value.lower()
        if word in not_supported:
            raise node.fail(
                f'"{word}" is an nginx value of "{node.name.value}" that surehop does not support',
                at=node.args[0],
            )
        if word not in words:
            raise node.fail(f'invalid value "{node.args[0].value}"', at=node.args[0])
        return word

    return read


def connections(node: Node, _scope: Scope) -> int:
    count = number(node.args[0].value)
    if count is None:
        raise node.fail(f'invalid number "{node.args[0].value}"', at=node.args[0])
    return count


def buffers(node: Node, _scope: Scope) -> tuple[int, int]:
    """Read a count and a size, neither of them 0."""
    count, length = number(node.args[0].value), size(node.args[1].value)
    if not count or not length:
        raise node.fail(f'"{node.name.value}" directive invalid value')
    return count, length


def words(node: Node, _scope: Scope) -> tuple[str, ...]:
    return node.words


def nothing(_node: Node, _scope: Scope) -> bool:
    """Say that the directive is there."""
    return True
