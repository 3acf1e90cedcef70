"""How an `upstream` chooses: its method, and what binds a client to one of its servers."""

from dataclasses import dataclass

from surehop.conf.model import Balance, Learn, RouteBy, Sticky, StickyCookie
from surehop.conf.scope import Scope
from surehop.conf.templates import Template, Variable, compile_template, known
from surehop.conf.tokens import Token
from surehop.conf.tree import Node
from surehop.conf.units import PAGE, seconds, size

METHODS = ("ip_hash", "hash", "random", "least_conn", "least_time")
# They keep no second list of servers, and no weight that changes.
_PLAIN = frozenset({"ip_hash", "hash", "consistent", "random", "random_two"})
_SMALLEST_ZONE = 8 * PAGE
_LEARN_TIMEOUT = 600_000
_SAMESITE = frozenset({"strict", "lax", "none"})


@dataclass(frozen=True, slots=True)
class Method:
    """`order`: which of the block's methods it is; the last holds."""

    order: int
    balance: Balance


def method_of(scope: Scope) -> Balance:
    """Give the method that holds so far."""
    found = [setting.value for name in METHODS for setting in scope.own(name)]
    return max(found, key=lambda each: each.order).balance if found else Balance("round_robin")


def supports(scope: Scope, parameter: str) -> bool:
    """Say whether `backup` or `slow_start=…` of a server may stand behind the method."""
    return not parameter.startswith(("backup", "slow_start=")) or (
        method_of(scope).method not in _PLAIN
    )


def _method(node: Node, scope: Scope, method: str, key: Template = ()) -> Method:
    if scope.own("queue"):
        raise node.fail(f'"{method}" must stand before "queue"')
    before = sum(len(scope.own(name)) for name in METHODS)
    if before or scope.own("sticky"):
        scope.findings.warnings.append(node.fail("load balancing method redefined"))
    return Method(before, Balance(method, key))


def read_method(node: Node, scope: Scope) -> Method:
    return _method(node, scope, node.name.value)


def read_hash(node: Node, scope: Scope) -> Method:
    key = compile_template(node, node.args[0], scope)
    method = "hash"
    if len(node.args) > 1:
        if node.args[1].value != "consistent":
            raise node.fail(f'invalid parameter "{node.args[1].value}"', at=node.args[1])
        method = "consistent"
    return _method(node, scope, method, key)


def read_random(node: Node, scope: Scope) -> Method:
    method = "random"
    for token, word in zip(node.args, ("two", "least_conn"), strict=False):
        if token.value != word:
            raise node.fail(f'invalid parameter "{token.value}"', at=token)
        method = "random_two"
    return _method(node, scope, method)


def read_least_time(node: Node, scope: Scope) -> Method:
    part, *more = node.args
    method = _method(node, scope, f"least_time_{part.value}")
    if scope.own("least_time"):
        raise node.fail('"least_time" directive is duplicate')
    if part.value not in {"header", "last_byte"}:
        raise node.fail(f'invalid value "{part.value}"', at=part)
    if not more:
        return method
    if more[0].value != "inflight":
        raise node.fail(f'invalid parameter "{more[0].value}"', at=more[0])
    return Method(method.order, Balance(f"{method.balance.method}_inflight"))


def read_sticky(node: Node, scope: Scope) -> Sticky:
    if scope.own("sticky"):
        raise node.fail('"sticky" directive is duplicate')
    kind, *rest = node.args
    if kind.value == "cookie":
        return _cookie(node, scope, rest)
    if kind.value == "route":
        return RouteBy(tuple(_route(node, scope, token) for token in rest))
    if kind.value == "learn":
        return _learn(node, scope, rest)
    raise node.fail(f'unknown parameter "{kind.value}"', at=kind)


def _route(node: Node, scope: Scope, token: Token) -> str:
    name = _variable(token.value)
    if name is None:
        raise node.fail(f'invalid variable name "{token.value}"', at=token)
    return _checked(node, scope, name, token)


def _variable(text: str) -> str | None:
    return text[1:] if text.startswith("$") and len(text) > 1 else None


def _checked(node: Node, scope: Scope, name: str, token: Token) -> str:
    if not known(name):
        scope.findings.late.append(node.fail(f'unknown "{name}" variable', at=token))
    return name


def _cookie(node: Node, scope: Scope, args: list[Token]) -> StickyCookie:
    name, *options = args
    seen: dict[str, Token] = {}
    for token in options:
        key, equals, value = token.value.partition("=")
        if bool(equals) != (key in {"expires", "domain", "path", "samesite"}) or (
            not equals and key not in {"secure", "httponly"}
        ):
            raise node.fail(f'unknown parameter "{token.value}"', at=token)
        if key in seen:
            raise node.fail(f'"sticky" directive parameter "{key}" is duplicate', at=token)
        if key in {"domain", "path"} and not value:
            raise node.fail(f'"sticky" directive no value for "{key}"', at=token)
        seen[key] = token
    text = {key: token.value.partition("=")[2] for key, token in seen.items()}
    return StickyCookie(
        name=name.value,
        expires=_expires(node, text.get("expires"), seen),
        domain=_part(node, scope, seen.get("domain")),
        httponly="httponly" in seen,
        secure="secure" in seen,
        samesite=_samesite(node, scope, seen.get("samesite")),
        path=text.get("path"),
    )


def _expires(node: Node, text: str | None, seen: dict[str, Token]) -> int | None:
    """Give seconds, or -1 for `max`."""
    if text is None:
        return None
    time = -1 if text == "max" else seconds(text)
    if time is None:
        message = '"sticky" directive invalid "expires" parameter value'
        raise node.fail(message, at=seen["expires"])
    return time


def _part(node: Node, scope: Scope, token: Token | None) -> Template:
    """Compile what is behind the `=`."""
    if token is None:
        return ()
    return compile_template(node, token._replace(value=token.value.partition("=")[2]), scope)


def _samesite(node: Node, scope: Scope, token: Token | None) -> Template:
    parts = _part(node, scope, token)
    if token is None or any(isinstance(part, Variable) for part in parts):
        return parts
    if token.value.partition("=")[2].lower() not in _SAMESITE:
        raise node.fail('"sticky" directive invalid "samesite" parameter value', at=token)
    return parts


def _learn(node: Node, scope: Scope, args: list[Token]) -> Learn:
    lists: dict[str, list[str]] = {"create": [], "lookup": []}
    once: dict[str, Token] = {}
    zone, timeout, header = None, _LEARN_TIMEOUT, False
    for token in args:
        key, equals, value = token.value.partition("=")
        if key in once and equals:
            raise node.fail(f'"sticky" directive duplicate {key}', at=token)
        if key in lists and equals:
            lists[key].append(_learned_from(node, scope, token))
        elif key == "zone" and equals:
            zone = _zone(node, token, value)
            once[key] = token
        elif key == "timeout" and equals:
            timeout = _timeout(node, token, value)
            once[key] = token
        elif token.value == "header":
            header = True
        else:
            raise node.fail(f'unknown parameter "{token.value}"', at=token)
    for name in ("lookup", "create"):
        if not lists[name]:
            raise node.fail(f'"sticky" directive "{name}" parameter is not specified')
    if not zone:
        raise node.fail('"sticky" directive "zone" parameter is not specified')
    _only_here(node, scope, zone[0])
    create, lookup = (tuple(lists[name]) for name in ("create", "lookup"))
    return Learn(create, lookup, *zone, timeout_ms=timeout, header=header)


def _learned_from(node: Node, scope: Scope, token: Token) -> str:
    key, _, value = token.value.partition("=")
    name = _variable(value)
    if name is None:
        raise node.fail(f'"sticky" directive missing variable in the "{key}" parameter', at=token)
    return _checked(node, scope, name, token)


def _timeout(node: Node, token: Token, text: str) -> int:
    time = seconds(text)
    if not time:
        raise node.fail('"sticky" directive invalid timeout', at=token)
    return 1000 * time


def _zone(node: Node, token: Token, text: str) -> tuple[str, int]:
    name, colon, length = text.partition(":")
    if colon and not name:
        raise node.fail('"sticky" directive zone name is not specified', at=token)
    if not colon:
        raise node.fail('"sticky" directive zone size is not specified', at=token)
    bytes_ = size(length)
    if bytes_ is None:
        raise node.fail('"sticky" directive invalid zone size', at=token)
    if bytes_ < _SMALLEST_ZONE:
        raise node.fail('"sticky" directive zone is too small', at=token)
    return name, bytes_


def _only_here(node: Node, scope: Scope, zone: str) -> None:
    for other in scope.parent.within(scope.context) if scope.parent else ():
        for setting in other.own("sticky"):
            if isinstance(setting.value, Learn) and setting.value.zone == zone:
                owner = other.node.args[0].value if other.node else ""
                message = f'sticky zone "{zone}" is already used in upstream "{owner}"'
                raise node.fail(message)
