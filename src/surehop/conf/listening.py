"""`listen` and `server_name`."""

import re
import socket
from dataclasses import dataclass
from typing import Any, NamedTuple

from surehop.conf.address import Address, AddressError, parse
from surehop.conf.model import Listen, ListenOptions, Regex, Where
from surehop.conf.regexes import read_regex
from surehop.conf.scope import Scope, not_yet
from surehop.conf.tokens import Token
from surehop.conf.tree import Node
from surehop.conf.units import number, seconds, size

_UPPER = re.compile(r"[A-Z]")
_PORT_RANGE = re.compile(r"(?P<host>(?:.*:)?)(?P<first>\d+)-(?P<last>\d+)")
_NOT_YET = {"ssl", "http2", "quic", "proxy_protocol"}
_COUNTS = {"backlog": 1, "fastopen": 0}  # and the least of each
_KEEPALIVE_PARTS = 3
_LAST_PORT = 65535


class Name(NamedTuple):
    """A server name: in lower case, or a regular expression as written."""

    text: str
    regex: Regex | None


@dataclass(slots=True)
class _Taken:
    """An address: the last server at it, and whether one gave options or is the default."""

    scope: Scope | None = None
    options: bool = False
    default: bool = False


def where(node: Node) -> Where:
    return Where(node.file, node.line, node.name.column)


def read_listen(node: Node, scope: Scope) -> tuple[Listen, ...]:
    """Read one line; a range of ports is several addresses."""
    default = False
    options: dict[str, Any] = {}
    for option in node.args[1:]:
        if option.value in {"default_server", "default"}:
            default = True
        else:
            options |= _option(node, option, scope)
    made = ListenOptions(**options) if options else None
    listens: list[Listen] = []
    for address in _addresses(node, node.args[0]):
        listen = Listen(address, default, where(node), made)
        _refuse_twice(node, scope, listen)
        listens.append(listen)
    return tuple(listens)


def _addresses(node: Node, token: Token) -> list[Address]:
    try:
        texts = _ports(token.value)
        return [parse(text, default_port=80, listen=True) for text in texts]
    except AddressError as error:
        message = f'{error} in "{token.value}" of the "listen" directive'
        raise node.fail(message, at=token) from None


def _ports(text: str) -> list[str]:
    """Spell a range of ports out."""
    found = _PORT_RANGE.fullmatch(text)
    if found is None or text.startswith("unix:"):
        return [text]
    first, last = int(found["first"]), int(found["last"])
    if last < first:
        raise AddressError("invalid port range")
    return [f"{found['host']}{port}" for port in range(first, min(last, _LAST_PORT + 1) + 1)]


def _option(node: Node, option: Token, scope: Scope) -> dict[str, Any]:
    """Read a parameter that is about the socket."""
    name, equals, value = option.value.partition("=")
    if not equals and name in {"bind", "deferred", "reuseport", "multipath"}:
        return {name: True}
    if equals and name in _COUNTS:
        count = number(value)
        if count is None or count < _COUNTS[name]:
            raise node.fail(f'invalid {name} "{option.value}"', at=option)
        return {name: count}
    if equals and name in {"rcvbuf", "sndbuf"}:
        length = size(value)
        if length is None:
            raise node.fail(f'invalid {name} "{option.value}"', at=option)
        return {name: length}
    if equals and name == "so_keepalive":
        return {"keepalive": _keepalive(node, option, value)}
    if name == "ipv6only" and value in {"on", "off"}:
        return {"ipv6only": value == "on"}
    if equals and name == "accept_filter":
        message = f'accept filters "{option.value}" are not supported on this platform, ignored'
        scope.findings.warnings.append(node.fail(message, at=option))
        return {}
    if option.value in _NOT_YET:
        raise not_yet(node, f'"{option.value}" is an nginx parameter of "listen"')
    raise node.fail(f'invalid parameter "{option.value}"', at=option)


def _keepalive(node: Node, option: Token, value: str) -> tuple[int, int, int] | bool:
    """Read `on`, `off`, or idle time, interval and count, each perhaps left out (0)."""
    if value in {"on", "off"}:
        return value == "on"
    parts = value.split(":")
    readers = (seconds, seconds, number)
    found = [read(part) if part else 0 for read, part in zip(readers, parts, strict=False)]
    if len(parts) > _KEEPALIVE_PARTS or None in found or not any(found):
        raise node.fail(f'invalid so_keepalive value: "{value}"', at=option)
    idle, interval, count = (*(each or 0 for each in found), 0, 0)[:_KEEPALIVE_PARTS]
    return idle, interval, count


def _refuse_twice(node: Node, scope: Scope, listen: Listen) -> None:
    key = listen.address.literal
    if key is None:
        return
    taken = scope.findings.listens.setdefault(key, _Taken())
    if taken.scope is scope:
        raise node.fail(f"a duplicate listen {key}")
    if listen.options and taken.options:
        raise node.fail(f"duplicate listen options for {key}")
    if listen.default and taken.default:
        raise node.fail(f"a duplicate default server for {key}")
    taken.scope = scope
    taken.options |= listen.options is not None
    taken.default |= listen.default


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
