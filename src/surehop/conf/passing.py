"""How an answer is carried: buffers and files; and what a cache would be asked."""

from surehop.conf.scope import Scope, not_yet
from surehop.conf.templates import compile_template
from surehop.conf.tree import Node
from surehop.conf.values import number, size


def read_buffers(node: Node, _scope: Scope) -> tuple[int, int]:
    """Read `NUMBER SIZE`."""
    count, each = number(node.args[0].value), size(node.args[1].value)
    if not count or not each:
        raise node.fail(f'"{node.name.value}" directive invalid value')
    return count, each


def read_send_lowat(node: Node, scope: Scope) -> int:
    value = size(node.args[0].value)
    if value is None:
        raise node.fail(f'"{node.name.value}" directive invalid value')
    scope.findings.warnings.append(node.fail(f'"{node.name.value}" is not supported, ignored'))
    return value


def read_off(node: Node, _scope: Scope) -> bool:
    if node.args[0].value != "off":
        raise not_yet(node, f'"{node.name.value}" is an nginx directive')
    return False


def read_conditions(node: Node, scope: Scope) -> None:
    for token in node.args:
        compile_template(node, token, scope)
