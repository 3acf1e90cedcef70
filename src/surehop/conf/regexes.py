"""Regular expressions of a configuration: text and named groups; PCRE2 itself judges later."""

import re
from typing import NamedTuple

from surehop.conf.model import Regex, Where
from surehop.conf.scope import Findings
from surehop.conf.tokens import Token
from surehop.conf.tree import Node

_GROUP = re.compile(r"\\.|\(\?(?:P?<(?P<name>\w+)>|'(?P<quoted>\w+)')", re.ASCII | re.DOTALL)


class Captured(NamedTuple):
    """A variable that a named group sets."""


def read_regex(
    node: Node, token: Token, pattern: str, findings: Findings, *, caseless: bool
) -> Regex:
    """Note the expression for checking, and the variables of its named groups."""
    names = [found["name"] or found["quoted"] for found in _GROUP.finditer(pattern)]
    names = [name.lower() for name in names if name]
    regex = Regex(pattern, caseless, tuple(names), Where(node.file, token.line, token.column))
    findings.regexes.append(regex)
    for name in names:
        findings.variables[name] = Captured()
    return regex
