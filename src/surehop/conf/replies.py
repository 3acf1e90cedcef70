"""What becomes of an upstream's answer: `proxy_redirect`, `proxy_cookie_…` …"""

from collections.abc import Callable
from dataclasses import dataclass

from surehop.conf.model import CookieFlags, Regex, Replacing
from surehop.conf.regexes import read_regex
from surehop.conf.routes import opened_by
from surehop.conf.scope import Scope
from surehop.conf.templates import Template, Text, compile_template
from surehop.conf.tokens import Token
from surehop.conf.tree import Node

_BOTH = 2
_IGNORABLE = (
    *("x-accel-redirect", "x-accel-expires", "x-accel-limit-rate", "x-accel-buffering"),
    *("x-accel-charset", "expires", "cache-control", "set-cookie", "vary"),
)


@dataclass(frozen=True, slots=True)
class Off:
    """The directive says `off`."""


OFF = Off()


def _alone(node: Node, scope: Scope) -> Off | None:
    """Tell whether the line is `off`, which stands beside no other."""
    name, args = node.name.value, node.args
    off = len(args) < _BOTH and args[0].value == "off"
    before = scope.own(name)
    if before and (off or before[0].value == OFF):
        raise node.fail(f'"{name}" directive is duplicate')
    return OFF if off else None


def _pattern(
    node: Node,
    scope: Scope,
    *,
    always_caseless: bool = False,
    plain: Callable[[str], str] = lambda text: text,
) -> Template | Regex:
    token = node.args[0]
    if not token.value.startswith("~"):
        return compile_template(node, token, scope, text=plain(token.value))
    caseless = always_caseless or token.value.startswith("~*")
    text = token.value[1:] if always_caseless else token.value.removeprefix("~").removeprefix("*")
    return read_regex(node, token, text, scope.findings, caseless=caseless)


def _single(node: Node) -> Token:
    token = node.args[0]
    raise node.fail(f'invalid parameter "{token.value}"', at=token)


def read_redirect(node: Node, scope: Scope) -> Replacing | Off:
    if off := _alone(node, scope):
        return off
    if len(node.args) == _BOTH:
        return Replacing(_pattern(node, scope), compile_template(node, node.args[1], scope))
    if node.args[0].value != "default":
        _single(node)
    passed = scope.own("proxy_pass")
    if not passed:
        message = '"proxy_redirect default" should be placed after the "proxy_pass" directive'
        raise node.fail(message)
    made = default_redirect(scope)
    if made is None:
        message = '"proxy_redirect default" cannot be used with "proxy_pass" directive'
        raise node.fail(f"{message} with variables")
    return made


def default_redirect(scope: Scope) -> Replacing | None:
    """Make what holds where nothing is said: the upstream's own URL is the location's."""
    passed = scope.own("proxy_pass")
    if not passed or passed[0].value.url is None:
        return None
    url = passed[0].node.args[0].value
    if passed[0].value.url.uri:
        return Replacing((Text(url),), (Text(opened_by(scope).path),))
    return Replacing((Text(url + "/"),), (Text("/"),))


def read_cookie_domain(node: Node, scope: Scope) -> Replacing | Off:
    if off := _alone(node, scope):
        return off
    if len(node.args) < _BOTH:
        _single(node)

    def plain(text: str) -> str:
        return text.removeprefix(".")

    pattern = _pattern(node, scope, always_caseless=True, plain=plain)
    value = node.args[1]
    if isinstance(pattern, Regex):
        return Replacing(pattern, compile_template(node, value, scope))
    return Replacing(pattern, compile_template(node, value, scope, text=plain(value.value)))


def read_cookie_path(node: Node, scope: Scope) -> Replacing | Off:
    if off := _alone(node, scope):
        return off
    if len(node.args) < _BOTH:
        _single(node)
    return Replacing(_pattern(node, scope), compile_template(node, node.args[1], scope))


def read_cookie_flags(node: Node, scope: Scope) -> CookieFlags | Off:
    if off := _alone(node, scope):
        return off
    if len(node.args) < _BOTH:
        _single(node)
    pattern = _pattern(node, scope, always_caseless=True)
    return CookieFlags(
        pattern, tuple(compile_template(node, token, scope) for token in node.args[1:])
    )


def read_ignored(node: Node, scope: Scope) -> tuple[str, ...]:
    names: list[str] = []
    known = {name for line in scope.own("proxy_ignore_headers") for name in line.value}
    for token in node.args:
        name = token.value.lower()
        if name not in _IGNORABLE:
            raise node.fail(f'invalid value "{token.value}"', at=token)
        if name in known:
            error = node.fail(f'duplicate value "{token.value}"', at=token)
            scope.findings.warnings.append(error)
        known.add(name)
        names.append(name)
    return tuple(names)
