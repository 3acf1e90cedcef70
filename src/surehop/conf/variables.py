"""Variables that the configuration computes: `map`, `geo`, `split_clients`."""

import ipaddress
import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from surehop.conf import model
from surehop.conf.regexes import read_regex
from surehop.conf.rewriting import declare
from surehop.conf.scope import Scope
from surehop.conf.templates import Template, compile_template
from surehop.conf.tree import Node
from surehop.errors import ConfigError

_PERCENT = re.compile(r"(\d{1,3})(?:\.(\d{1,2}))?%", re.ASCII)
_WHOLE = 10_000
_HASH = 0xFFFFFFFF
Address = ipaddress.IPv4Address | ipaddress.IPv6Address


def entries(node: Node, scope: Scope) -> Iterator[Node]:
    """Give the lines of a block of keys and values; includes are followed."""
    for child in node.block or ():
        if not isinstance(child, Node):
            continue
        if child.name.value == "include" and len(child.args) == 1:
            for included in scope.findings.included(child):
                if isinstance(included, Node):
                    yield included
        else:
            yield child


@dataclass(slots=True)
class _Mapping:
    hostnames: bool = False
    volatile: bool = False
    default: Template | None = None
    exact: dict[str, Template] = field(default_factory=dict)
    leading: dict[str, Template] = field(default_factory=dict)
    trailing: dict[str, Template] = field(default_factory=dict)
    regexes: list[tuple[model.Regex, Template]] = field(default_factory=list)


def read_map(node: Node, scope: Scope) -> None:
    value = compile_template(node, node.args[0], scope)
    name = declare(node, node.args[1])
    mapping = _Mapping()
    for line in entries(node, scope):
        try:
            _map_line(line, scope, mapping)
        except ConfigError as error:
            scope.findings.errors.append(error)
    scope.findings.variables[name] = model.Map(
        value=value,
        hostnames=mapping.hostnames,
        volatile=mapping.volatile,
        default=mapping.default or (),
        exact=tuple(mapping.exact.items()),
        leading=tuple(mapping.leading.items()),
        trailing=tuple(mapping.trailing.items()),
        regexes=tuple(mapping.regexes),
    )


def _map_line(line: Node, scope: Scope, mapping: _Mapping) -> None:
    key = line.name.value
    if not line.args and key in {"hostnames", "volatile"}:
        setattr(mapping, key, True)
        return
    if len(line.args) != 1:
        raise line.fail("invalid number of the map parameters")
    value = compile_template(line, line.args[0], scope)
    if key == "default":
        if mapping.default is not None:
            raise line.fail("duplicate default map parameter")
        mapping.default = value
    elif key.startswith("~"):
        caseless = key.startswith("~*")
        pattern = key[2:] if caseless else key[1:]
        regex = read_regex(line, line.name, pattern, scope.findings, caseless=caseless)
        mapping.regexes.append((regex, value))
    else:
        _map_key(line, key.removeprefix("\\").lower(), value, mapping)


def _map_key(line: Node, key: str, value: Template, mapping: _Mapping) -> None:
    table, kept = mapping.exact, key
    if mapping.hostnames and key.startswith("*."):
        table, kept = mapping.leading, key[2:]
    elif mapping.hostnames and key.startswith("."):
        _map_key(line, key[1:], value, mapping)
        table, kept = mapping.leading, key[1:]
    elif mapping.hostnames and key.endswith(".*"):
        table, kept = mapping.trailing, key[:-2]
    if kept in table:
        raise line.fail(f'conflicting parameter "{key}"')
    table[kept] = value


@dataclass(slots=True)
class _Places:
    ranged: bool = False
    default: str = ""
    said: bool = False  # the default
    proxies: list[tuple[str, str]] = field(default_factory=list)
    recursive: bool = False
    networks: dict[tuple[Address, Address], str] = field(default_factory=dict)


def read_geo(node: Node, scope: Scope) -> None:
    *source, target = node.args
    value = compile_template(node, source[0], scope) if source else ()
    name = declare(node, target)
    places = _Places()
    for line in entries(node, scope):
        try:
            _geo_line(line, places, scope)
        except ConfigError as error:
            scope.findings.errors.append(error)
    networks = places.networks.items()
    if not places.ranged:  # the narrowest comes last, where it counts
        networks = dict(sorted(networks, key=lambda each: -_width(each[0]))).items()
    scope.findings.variables[name] = model.Geo(
        value=value,
        default=places.default,
        ranges=tuple((str(low), str(high), text) for (low, high), text in networks),
        proxies=tuple(places.proxies),
        proxy_recursive=places.recursive,
    )


def _width(network: tuple[Address, Address]) -> int:
    low, high = network
    return int(high) - int(low)


def _geo_line(line: Node, places: _Places, scope: Scope) -> None:
    key = line.name.value
    if not line.args and key in {"ranges", "proxy_recursive"}:
        if key == "ranges" and places.networks:
            raise line.fail('the "ranges" directive must be the first directive inside "geo" block')
        places.ranged |= key == "ranges"
        places.recursive |= key == "proxy_recursive"
        return
    if len(line.args) != 1:
        raise line.fail("invalid number of the geo parameters")
    value = line.args[0].value
    if key == "default":
        if places.said:
            old = f'duplicate network "default", value: "{value}", old value: "{places.default}"'
            scope.findings.warnings.extend([line.fail(old)] * 2)  # once a family
        places.default, places.said = value, True
    elif key == "proxy":
        low, high = _network(line, value, scope)
        places.proxies.append((str(low), str(high)))
    elif key == "delete":
        if places.networks.pop(_range(line, value, places, scope), None) is None:
            kind = "address range" if places.ranged else "network"
            message = f'no {kind} "{value}" to delete'
            scope.findings.warnings.append(line.fail(message))
    else:
        network = _range(line, key, places, scope)
        if network in places.networks:
            kind, old = "range" if places.ranged else "network", places.networks[network]
            message = f'duplicate {kind} "{key}", value: "{value}", old value: "{old}"'
            scope.findings.warnings.append(line.fail(message))
        places.networks[network] = value


def _range(line: Node, text: str, places: _Places, scope: Scope) -> tuple[Address, Address]:
    if not places.ranged:
        return _network(line, text, scope)
    first, _, last = text.partition("-")
    try:
        low, high = ipaddress.IPv4Address(first), ipaddress.IPv4Address(last)
    except ValueError:
        raise line.fail(f'invalid range "{text}"') from None
    if low > high:
        raise line.fail(f'invalid range "{text}"')
    return low, high


def _network(line: Node, text: str, scope: Scope) -> tuple[Address, Address]:
    if text == "255.255.255.255":
        text += "/32"
    try:
        network = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise line.fail(f'invalid network "{text}"') from None
    if ipaddress.ip_interface(text).ip != network.network_address:
        message = f"low address bits of {text} are meaningless"
        scope.findings.warnings.append(line.fail(message))
    return network[0], network[-1]


def read_split_clients(node: Node, scope: Scope) -> None:
    value = compile_template(node, node.args[0], scope)
    name = declare(node, node.args[1])
    parts: list[tuple[int, str]] = []
    total = bound = 0
    for line in entries(node, scope):
        if len(line.args) != 1:
            scope.findings.errors.append(
                line.fail("invalid number of the split_clients parameters")
            )
            continue
        key = line.name.value
        if key == "*":
            parts.append((0, line.args[0].value))
            continue
        found = _PERCENT.fullmatch(key)
        share = int(found[1]) * 100 + int((found[2] or "").ljust(2, "0")) if found else 0
        if not share:
            scope.findings.errors.append(line.fail(f'invalid percent value "{key}"'))
            continue
        total += share
        if total > _WHOLE:
            message = "percent total is greater than 100%"
            scope.findings.errors.append(node.fail(message, at=node.last))
            break
        bound += share * _HASH // _WHOLE
        parts.append((bound, line.args[0].value))
    scope.findings.variables[name] = model.Split(value, tuple(parts))
