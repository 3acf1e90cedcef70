"""The directives of an `upstream` block."""

from dataclasses import dataclass, replace
from typing import Any

from surehop.conf import balancing
from surehop.conf.address import AddressError, parse
from surehop.conf.listening import where
from surehop.conf.model import Member, Queue
from surehop.conf.scope import Scope, not_yet
from surehop.conf.tokens import Token
from surehop.conf.tree import Node
from surehop.conf.units import PAGE, number, seconds, size

_SMALLEST_ZONE = 8 * PAGE
_NOT_YET = ("resolve", "service=")
_LONGEST_ROUTE = 32
_QUEUE_TIMEOUT = 60
_MOST_WAITING = 2**32 - 1


@dataclass(frozen=True, slots=True)
class Zone:
    """`size` is 0 where none is given: another line with this name has it."""

    name: str
    size: int


@dataclass(frozen=True, slots=True)
class KeepaliveSize:
    connections: int
    local: bool


def check_upstream(node: Node, scope: Scope) -> str:
    """Read the name of `upstream NAME {`."""
    name = node.args[0].value
    if name.lower() in scope.findings.upstreams:
        raise node.fail(f'duplicate upstream "{name}"', at=node.args[0])
    scope.findings.upstreams.add(name.lower())
    return name


def read_member(node: Node, scope: Scope) -> Member:
    token, *options = node.args
    try:
        member = Member(parse(token.value, default_port=80), where(node))
        # nginx reads the parameters first; so an address is complained of after them
        complaint = None
    except AddressError as error:
        member = Member(parse("127.0.0.1", default_port=80), where(node))
        complaint = node.fail(f'{error} in upstream "{token.value}"', at=token)
    for option in options:
        if not balancing.supports(scope, option.value):
            message = f'balancing method does not support parameter "{option.value}"'
            raise node.fail(message, at=option)
        member = _with_option(node, member, option)
    if complaint:
        raise complaint
    return member


def _with_option(node: Node, member: Member, option: Token) -> Member:
    text = option.value
    name, equals, value = text.partition("=")
    changes: dict[str, Any] = {}
    if text in {"down", "backup", "drain"}:
        changes[text] = True
    elif equals and name == "route":
        changes["route"] = _route(node, option, value)
    elif equals and name in {"fail_timeout", "slow_start"}:
        time = seconds(value)
        changes[f"{name}_ms"] = None if time is None else time * 1000
    elif equals and name in {"weight", "max_fails", "max_conns"}:
        count = number(value)
        changes[name] = None if name == "weight" and count == 0 else count
    elif text.startswith(_NOT_YET):
        raise not_yet(node, f'"{text}" is an nginx parameter of "server"')
    if None in changes.values() or not changes:
        raise node.fail(f'invalid parameter "{text}"', at=option)
    return replace(member, **changes)


def _route(node: Node, option: Token, value: str) -> str:
    if not value:
        raise node.fail("route is empty", at=option)
    if len(value.encode("utf-8", "surrogateescape")) > _LONGEST_ROUTE:
        raise node.fail(f"route is longer than {_LONGEST_ROUTE}", at=option)
    return value


def read_zone(node: Node, _scope: Scope) -> Zone:
    name = node.args[0].value
    if not name:
        raise node.fail(f'invalid zone name "{name}"', at=node.args[0])
    if len(node.args) == 1:
        return Zone(name, 0)
    text = node.args[1].value
    bytes_ = size(text)
    if bytes_ is None:
        raise node.fail(f'invalid zone size "{text}"', at=node.args[1])
    if bytes_ < _SMALLEST_ZONE:
        raise node.fail(f'zone "{name}" is too small', at=node.args[1])
    return Zone(name, bytes_)


def read_keepalive(node: Node, _scope: Scope) -> KeepaliveSize:
    connections = number(node.args[0].value)
    if connections is None:
        message = f'invalid value "{node.args[0].value}" in "keepalive" directive'
        raise node.fail(message, at=node.args[0])
    if len(node.args) > 1 and node.args[1].value != "local":
        raise node.fail(f'invalid parameter "{node.args[1].value}"', at=node.args[1])
    return KeepaliveSize(connections, len(node.args) > 1)


def read_queue(node: Node, _scope: Scope) -> Queue:
    length = number(node.args[0].value)
    if not length or length > _MOST_WAITING:
        raise node.fail(f'invalid value "{node.args[0].value}"', at=node.args[0])
    timeout = _QUEUE_TIMEOUT
    for token in node.args[1:]:
        key, _, text = token.value.partition("=")
        found = seconds(text)
        if key != "timeout" or not found:
            raise node.fail(f'invalid parameter "{token.value}"', at=token)
        timeout = found
    return Queue(length, 1000 * timeout)
