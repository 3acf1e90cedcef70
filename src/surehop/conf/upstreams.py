"""The directives of an `upstream` block."""

from dataclasses import dataclass, replace

from surehop.conf.address import AddressError, parse
from surehop.conf.listening import where
from surehop.conf.model import Member
from surehop.conf.scope import Context, Scope, not_yet
from surehop.conf.tokens import Token
from surehop.conf.tree import Node
from surehop.conf.values import PAGE, number, seconds, size

_SMALLEST_ZONE = 8 * PAGE
_NOT_YET = ("resolve", "service=", "slow_start=", "route=", "drain", "sticky_cookie=")


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
    if scope.parent is not None and any(
        other.node is not None and other.node.args[0].value.lower() == name.lower()
        for other in scope.parent.within(Context.UPSTREAM)
        if other is not scope
    ):
        raise node.fail(f'duplicate upstream "{name}"', at=node.args[0])
    return name


def read_member(node: Node, _scope: Scope) -> Member:
    token, *options = node.args
    try:
        member = Member(parse(token.value, default_port=80), where(node))
        # nginx reads the parameters first; so an address is complained of after them
        complaint = None
    except AddressError as error:
        member = Member(parse("127.0.0.1", default_port=80), where(node))
        complaint = node.fail(f'{error} in upstream "{token.value}"', at=token)
    for option in options:
        member = _with_option(node, member, option)
    if complaint:
        raise complaint
    return member


def _with_option(node: Node, member: Member, option: Token) -> Member:
    text = option.value
    name, equals, value = text.partition("=")
    if not equals and name == "down":
        return replace(member, down=True)
    if not equals and name == "backup":
        return replace(member, backup=True)
    if equals and name == "fail_timeout":
        time = seconds(value)
        if time is not None:
            return replace(member, fail_timeout_ms=time * 1000)
    elif equals and name in {"weight", "max_fails", "max_conns"}:
        count = number(value)
        if count is not None and not (name == "weight" and count == 0):
            if name == "weight":
                return replace(member, weight=count)
            if name == "max_fails":
                return replace(member, max_fails=count)
            return replace(member, max_conns=count)
    elif text.startswith(_NOT_YET):
        raise not_yet(node, f'"{text}" is an nginx parameter of "server"')
    raise node.fail(f'invalid parameter "{text}"', at=option)


def read_least_conn(node: Node, scope: Scope) -> bool:
    if scope.own("least_conn"):
        scope.findings.warnings.append(node.fail("load balancing method redefined"))
    return True


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
