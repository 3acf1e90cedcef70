"""Variables that the configuration computes: `map`, `split_clients`."""

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
_STAR = len("*.")


def entries(node: Node, scope: Scope) -> Iterator[Node]:
    """Give the lines of a block of keys and values; includes are followed."""
    for child in node.block or ():
        if not isinstance(child, Node):
            continue
        if child.block is not None:
            scope.findings.errors.append(child.fail('unexpected "{"'))
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
    if mapping.hostnames:
        _check_hostname(line, key)
    if mapping.hostnames and key.startswith("*."):
        table, kept = mapping.leading, key[2:]
    elif mapping.hostnames and key.startswith(".") and len(key) > 1:
        _map_key(line, key[1:], value, mapping)
        table, kept = mapping.leading, key[1:]
    elif mapping.hostnames and key.endswith(".*"):
        table, kept = mapping.trailing, key[:-2]
    if kept in table:
        raise line.fail(f'conflicting parameter "{key}"')
    table[kept] = value


def _check_hostname(line: Node, key: str) -> None:
    stars = key.count("*")
    wild = key.startswith("*.") or key.endswith(".*")
    if stars > 1 or ".." in key or "\0" in key or (stars and not (wild and len(key) > _STAR)):
        raise line.fail(f'invalid hostname or wildcard "{key}"')


def read_split_clients(node: Node, scope: Scope) -> None:
    value = compile_template(node, node.args[0], scope)
    name = declare(node, node.args[1])
    parts: list[tuple[int, str]] = []
    total = bound = 0
    for line in entries(node, scope):
        if not line.args:
            scope.findings.errors.append(
                line.fail("invalid number of the split_clients parameters")
            )
            continue
        key = line.name.value
        if key == "*":
            parts.append((0, line.args[0].value))
            total = _WHOLE
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
