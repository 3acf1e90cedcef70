"""Readers of `allow`, `deny`, `auth_*` and `set_real_ip_from`."""

import ipaddress
import re
from collections.abc import Sequence

from surehop.conf.entry import UNIX, Network, Rule, Trusted
from surehop.conf.listening import where
from surehop.conf.regexes import Captured
from surehop.conf.rewriting import Assigned, declare
from surehop.conf.scope import Scope, Setting, not_yet
from surehop.conf.templates import Template, Variable, compile_template, known
from surehop.conf.tokens import Token
from surehop.conf.tree import Node

RULES = "allow or deny"  # both in their order, beside the settings of each
_NO_ADDRESS = "255.255.255.255"  # what nginx takes for none
_V4 = re.compile(r"\d+(\.\d+){3}", re.ASCII)
_ALL = (
    Network("0.0.0.0", "255.255.255.255"),  # noqa: S104 (whoever comes, not where to listen)
    Network("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    Network(UNIX, UNIX),
)


def network(node: Node, token: Token, scope: Scope) -> Network | None:
    """Read an address or a CIDR, as nginx does; None if it is neither."""
    address, slash, bits = token.value.partition("/")
    v4 = _V4.fullmatch(address) is not None
    try:
        ip = ipaddress.ip_address(_plain(address) if v4 else address)
    except ValueError:
        return None
    if "%" in address:  # a zone is no part of an address to nginx
        return None
    if str(ip) == _NO_ADDRESS:
        return None
    if not slash:
        return Network(str(ip), str(ip))
    if not (bits.isascii() and bits.isdigit()) or int(bits) > ip.max_prefixlen:
        return None
    found = ipaddress.ip_network(f"{ip}/{int(bits)}", strict=False)
    if found[0] != ip:
        message = f"low address bits of {token.value} are meaningless"
        scope.findings.warnings.append(node.fail(message, at=token))
    return Network(str(found[0]), str(found[-1]))


def _plain(address: str) -> str:
    """Drop the zeros in front of an octet, which nginx takes for decimal all the same."""
    return ".".join(str(int(octet)) for octet in address.split("."))


def read_rule(node: Node, scope: Scope) -> tuple[Rule, ...]:
    token = node.args[0]
    deny = node.name.value == "deny"
    if token.value == "all":
        networks: Sequence[Network] = _ALL
    elif token.value == UNIX:
        networks = (Network(UNIX, UNIX),)
    else:
        found = network(node, token, scope)
        if found is None:
            raise node.fail(f'invalid parameter "{token.value}"', at=token)
        networks = (found,)
    rules = tuple(Rule(deny, each) for each in networks)
    scope.settings.setdefault(RULES, []).append(Setting(node, rules))
    return rules


def read_trusted(node: Node, scope: Scope) -> Trusted:
    token = node.args[0]
    if token.value == UNIX:
        return Trusted(Network(UNIX, UNIX), "", where(node))
    found = network(node, token, scope)
    if token.value == _NO_ADDRESS:
        found = Network(_NO_ADDRESS, _NO_ADDRESS)
    return Trusted(found, "" if found else token.value, where(node))


def read_real_ip_header(node: Node, _scope: Scope) -> str:
    if node.args[0].value == "proxy_protocol":
        raise not_yet(node, '"proxy_protocol" is an nginx value of "real_ip_header"')
    return node.args[0].value.lower()


def read_ask(node: Node, _scope: Scope) -> str:
    """Read `auth_request`; empty for `off`."""
    uri = node.args[0].value
    return "" if uri == "off" else uri


def read_ask_set(node: Node, scope: Scope) -> tuple[Variable, Template]:
    target, value = node.args
    name = declare(node, target)
    if name != "args":
        source = Assigned() if known(name) else Captured()
        scope.findings.variables.setdefault(name, source)
    return Variable(name), compile_template(node, value, scope)
