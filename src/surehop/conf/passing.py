"""How an answer is carried: buffers and files; and what a cache would be asked."""

from surehop.conf.address import numeric
from surehop.conf.replies import OFF, Off
from surehop.conf.scope import Scope, not_yet
from surehop.conf.templates import Template, compile_template
from surehop.conf.tree import Node
from surehop.conf.units import number, size

_PORTS = range(1, 65536)


def read_buffers(node: Node, _scope: Scope) -> tuple[int, int]:
    """Read `NUMBER SIZE`."""
    count, each = number(node.args[0].value), size(node.args[1].value)
    if not count or not each:
        raise node.fail(f'"{node.name.value}" directive invalid value')
    return count, each


def read_bind(node: Node, scope: Scope) -> Template | Off:
    """Read the local address of connections, or `off`."""
    first, *rest = node.args
    if first.value == "off" and not rest:
        return OFF
    template = compile_template(node, first, scope)
    if "$" not in first.value and not _local(first.value):
        raise node.fail(f'invalid address "{first.value}"', at=first)
    for token in rest:
        if token.value != "transparent":
            raise node.fail(f'invalid parameter "{token.value}"', at=token)
        raise not_yet(node, '"transparent" is an nginx parameter of "proxy_bind"')
    return template


def _local(text: str) -> bool:
    host, colon, port = text.rpartition(":")
    bare = text.removeprefix("[").removesuffix("]")
    if numeric(text) or numeric(f"[{bare}]"):
        return True
    return bool(colon and numeric(host) and number(port) in _PORTS)


def read_rate(node: Node, scope: Scope) -> Template | None:
    """Read bytes a second; None where they are 0, which is no limit."""
    token = node.args[0]
    if "$" not in token.value:
        rate = size(token.value)
        if rate is None:
            raise node.fail(f'"{node.name.value}" directive invalid value', at=token)
        if rate == 0:
            return None
    return compile_template(node, token, scope)


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


def read_conditions(node: Node, scope: Scope) -> tuple[Template, ...]:
    """Read words of which one must be neither empty nor 0."""
    return tuple(compile_template(node, token, scope) for token in node.args)
