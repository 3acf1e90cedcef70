"""Readers of `limit_req_zone`, `limit_conn_zone`, `limit_req` and `limit_conn`."""

from surehop.conf.entry import ConnectionLimit, ConnectionZone, RequestLimit, RequestZone
from surehop.conf.scope import Scope
from surehop.conf.templates import compile_template
from surehop.conf.tokens import Token
from surehop.conf.tree import Node
from surehop.conf.units import PAGE, number, size

_SMALLEST_ZONE = 8 * PAGE
_MOST_CONNECTIONS = 65535
_THOUSANDTHS = 1000
_MINUTE = 60

Limit = RequestZone | ConnectionZone


def read_request_zone(node: Node, scope: Scope) -> RequestZone:
    key = compile_template(node, node.args[0], scope)
    name, bytes_, rate, scale = "", 0, 1, 1
    for token in node.args[1:]:
        if token.value.startswith("zone="):
            name, bytes_ = _zone(node, token)
        elif token.value.startswith("rate="):
            rate, scale = _rate(node, token)
        else:
            raise node.fail(f'invalid parameter "{token.value}"', at=token)
    written = node.args[0].value
    _declare(node, scope, name, bytes_)
    return RequestZone(name, bytes_, key, written, rate * _THOUSANDTHS // scale)


def read_connection_zone(node: Node, scope: Scope) -> ConnectionZone:
    key = compile_template(node, node.args[0], scope)
    token = node.args[1]
    if not token.value.startswith("zone="):
        raise node.fail(f'invalid parameter "{token.value}"', at=token)
    name, bytes_ = _zone(node, token)
    written = node.args[0].value
    _declare(node, scope, name, bytes_)
    return ConnectionZone(name, bytes_, key, written)


def read_request_limit(node: Node, scope: Scope) -> RequestLimit:
    zone: str | None = None
    burst, delay = 0, 0
    nodelay = False
    for token in node.args:
        word, equals, value = token.value.partition("=")
        if equals and word == "zone":
            zone = value
            use_zone(node, scope, zone, "limit_req")
        elif equals and word == "burst":
            burst = _count(node, token, value, f'invalid burst value "{token.value}"')
        elif equals and word == "delay":
            delay = _count(node, token, value, f'invalid delay value "{token.value}"')
            nodelay = False
        elif token.value == "nodelay":
            nodelay = True
        else:
            raise node.fail(f'invalid parameter "{token.value}"', at=token)
    if zone is None:
        raise node.fail('"limit_req" must have "zone" parameter')
    if any(setting.value.zone == zone for setting in scope.own("limit_req")):
        raise node.fail('"limit_req" directive is duplicate')
    return RequestLimit(zone, burst * _THOUSANDTHS, None if nodelay else delay * _THOUSANDTHS)


def read_connection_limit(node: Node, scope: Scope) -> ConnectionLimit:
    name, most = node.args
    use_zone(node, scope, name.value, "limit_conn")
    if any(setting.value.zone == name.value for setting in scope.own("limit_conn")):
        raise node.fail('"limit_conn" directive is duplicate')
    count = _count(node, most, most.value, f'invalid number of connections "{most.value}"')
    if count > _MOST_CONNECTIONS:
        raise node.fail("connection limit must be less 65536", at=most)
    return ConnectionLimit(name.value, count)


def read_rejecting(node: Node, _scope: Scope) -> int:
    """Read the status of who is rejected."""
    status = number(node.args[0].value)
    if status is None:
        raise node.fail(f'"{node.name.value}" directive invalid number', at=node.args[0])
    if status not in range(400, 600):
        raise node.fail("value must be between 400 and 599", at=node.args[0])
    return status


def _count(node: Node, token: Token, text: str, complaint: str) -> int:
    count = number(text)
    if not count:
        raise node.fail(complaint, at=token)
    return count


def _zone(node: Node, token: Token) -> tuple[str, int]:
    name, colon, text = token.value.removeprefix("zone=").partition(":")
    bytes_ = size(text) if colon else None
    if bytes_ is None:
        raise node.fail(f'invalid zone size "{token.value}"', at=token)
    if bytes_ < _SMALLEST_ZONE:
        raise node.fail(f'zone "{token.value}" is too small', at=token)
    return name, bytes_


def _rate(node: Node, token: Token) -> tuple[int, int]:
    text = token.value.removeprefix("rate=")
    scale = _MINUTE if text.endswith("r/m") else 1
    rate = number(text[:-3] if text.endswith(("r/s", "r/m")) else text)
    if not rate:
        raise node.fail(f'invalid rate "{token.value}"', at=token)
    return rate, scale


def _declare(node: Node, scope: Scope, name: str, bytes_: int) -> None:
    own = node.name.value
    if not name:
        raise node.fail(f'"{own}" must have "zone" parameter')
    use_zone(node, scope, name, own.removesuffix("_zone"))
    for setting in scope.own(own):
        other: Limit = setting.value
        if other.name != name:
            continue
        if other.size != bytes_:
            raise node.fail(
                f'the size {bytes_} of shared memory zone "{name}" conflicts with '
                f"already declared size {other.size}"
            )
        raise node.fail(f'{own} "{name}" is already bound to key "{other.written}"')


def use_zone(node: Node, scope: Scope, name: str, by: str) -> None:
    """Note that a module speaks of the zone; a name belongs to one module alone."""
    if scope.findings.zones.setdefault(name, by) != by:
        message = f'the shared memory zone "{name}" is already declared for a different use'
        raise node.fail(message)
