"""`listen` and `server_name`."""

import re
import socket
from typing import NamedTuple

from surehop.conf.address import Address, AddressError, parse
from surehop.conf.model import Listen, Regex, Where
from surehop.conf.regexes import read_regex
from surehop.conf.scope import Context, Scope, not_yet
from surehop.conf.tokens import Token
from surehop.conf.tree import Node

_UPPER = re.compile(r"[A-Z]")
_PORT_RANGE = re.compile(r"(?:.*:)?\d+-\d+")
_NO_EFFECT = {"bind", "ipv6only=on"}  # what happens here anyway
_NOT_YET = {"ssl", "http2", "quic", "proxy_protocol", "reuseport", "deferred", "multipath"}
_NOT_YET_WITH_VALUE = (
    "backlog=",
    "rcvbuf=",
    "sndbuf=",
    "setfib=",
    "fastopen=",
    "accept_filter=",
    "ipv6only=off",
    "so_keepalive=",
)


class Name(NamedTuple):
    """A server name: in lower case, or a regular expression as written."""

    text: str
    regex: Regex | None


def where(node: Node) -> Where:
    return Where(node.file, node.line, node.name.column)


def read_listen(node: Node, scope: Scope) -> Listen:
    token = node.args[0]
    address = _address(node, token)
    default = False
    for option in node.args[1:]:
        if option.value in {"default_server", "default"}:
            default = True
        elif option.value not in _NO_EFFECT:
            raise _refused(node, option)
    _refuse_twice(node, scope, address, default=default)
    return Listen(address, default, where(node))


def _address(node: Node, token: Token) -> Address:
    if _PORT_RANGE.fullmatch(token.value):
        raise not_yet(node, f'the port range "{token.value}" is an nginx parameter of "listen"')
    try:
        return parse(token.value, default_port=80, listen=True)
    except AddressError as error:
        message = f'{error} in "{token.value}" of the "listen" directive'
        raise node.fail(message, at=token) from None


def _refused(node: Node, option: Token) -> Exception:
    if option.value in _NOT_YET or option.value.startswith(_NOT_YET_WITH_VALUE):
        return not_yet(node, f'"{option.value}" is an nginx parameter of "listen"')
    return node.fail(f'invalid parameter "{option.value}"', at=option)


def _refuse_twice(node: Node, scope: Scope, address: Address, *, default: bool) -> None:
    http = scope.parent
    key = address.literal
    if http is None or key is None:
        return
    for server in http.within(Context.SERVER):
        for other in server.own("listen"):
            if other.value.address.port != address.port:  # cheap, and true of most
                continue
            if other.value.address.literal != key:
                continue
            if server is scope:
                raise node.fail(f"a duplicate listen {key}")
            if default and other.value.default:
                raise node.fail(f"a duplicate default server for {key}")


def read_server_name(node: Node, scope: Scope) -> tuple[Name, ...]:
    return tuple(_name(node, token, scope) for token in node.args)


def _name(node: Node, token: Token, scope: Scope) -> Name:
    name = token.value
    if name.startswith("~"):
        if name == "~":
            raise node.fail(f'empty regex in server name "{name}"', at=token)
        caseless = _UPPER.search(name) is not None
        return Name(name, read_regex(node, token, name[1:], scope.findings, caseless=caseless))
    if name == "$hostname":
        return Name(socket.gethostname().lower(), None)
    if name == "." or (name.startswith("*") and not re.match(r"\*\..", name)):
        raise node.fail(f'server name "{name}" is invalid', at=token)
    if "/" in name:
        message = f'server name "{name}" has suspicious symbols'
        scope.findings.warnings.append(node.fail(message, at=token))
    return Name(name.lower(), None)
