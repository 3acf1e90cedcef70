"""Values of one word: numbers, times, sizes, switches. Rules and wording are nginx's."""

import re
from collections.abc import Callable
from typing import Any

from surehop.conf.scope import Reader, Scope
from surehop.conf.tree import Node

MAX_NUMBER = 2**63 - 1
PAGE = 4096

_TIME_UNITS = {  # name: (order, seconds)
    "y": (1, 365 * 86400),
    "M": (2, 30 * 86400),
    "w": (3, 7 * 86400),
    "d": (4, 86400),
    "h": (5, 3600),
    "m": (6, 60),
    "s": (7, 1),
    "ms": (8, 0),
    "": (9, 1),
}
_TIME_PART = re.compile(r"(\d+)(ms|[yMwdhms ]|$) *")
_SIZE = re.compile(r"(\d+)([kKmMgG]?)")
_SIZE_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def number(text: str) -> int | None:
    """Read a decimal number without a sign."""
    if not (text.isascii() and text.isdigit()):
        return None
    value = int(text) if len(text) < len(str(MAX_NUMBER)) + 1 else MAX_NUMBER + 1
    return value if value <= MAX_NUMBER else None


def milliseconds(text: str) -> int | None:
    """Read nginx's time with units, `1m 30s` or `500ms`; seconds where there is none."""
    return _time(text, whole_seconds=False)


def seconds(text: str) -> int | None:
    """Read nginx's time in whole seconds; years and months are allowed here alone."""
    return _time(text, whole_seconds=True)


def _time(text: str, *, whole_seconds: bool) -> int | None:
    total = 0
    step = 0 if whole_seconds else 2
    at = 0
    while at < len(text):
        found = _TIME_PART.match(text, at)
        if not found:
            return None
        order, length = _TIME_UNITS[found[2].strip()]
        if order <= step or (found[2] == "ms" and whole_seconds):
            return None
        amount = number(found[1])
        if amount is None:
            return None
        scale = length if whole_seconds else length * 1000 or 1
        total += amount * scale
        step = order
        at = found.end()
    return total if text and total <= MAX_NUMBER else None


def size(text: str) -> int | None:
    """Read bytes, with k or m."""
    return None if text[-1:] in {"g", "G"} else offset(text)


def offset(text: str) -> int | None:
    """Read bytes, with k, m or g."""
    found = _SIZE.fullmatch(text)
    if not found or not text.isascii():
        return None
    amount = number(found[1])
    value = MAX_NUMBER + 1 if amount is None else amount * _SIZE_UNITS[found[2].lower()]
    return value if value <= MAX_NUMBER else None


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
