"""`location` and what stands in it: `proxy_*`, `return`, `surehop_status`."""

from dataclasses import dataclass

from surehop.conf.address import Address, AddressError, parse
from surehop.conf.model import KeepaliveTimeout, Return, StatusPage
from surehop.conf.scope import Scope, not_yet
from surehop.conf.templates import Template, compile_template
from surehop.conf.tree import Node
from surehop.conf.values import milliseconds, number, seconds

_REDIRECTS = ("http://", "https://", "$scheme")
_LARGEST_STATUS = 999
_FAILURES = (
    *("error", "timeout", "invalid_header", "non_idempotent"),
    *("http_500", "http_502", "http_503", "http_504", "http_403", "http_404", "http_429"),
    *("off", "updating"),  # the second means nothing to nginx either
)


@dataclass(frozen=True, slots=True)
class HeaderLine:
    """One `proxy_set_header`."""

    node: Node
    name: str

    def compiled(self, scope: Scope) -> tuple[str, Template]:
        return self.name, compile_template(self.node, self.node.args[1], scope)


def read_location(node: Node, _scope: Scope) -> tuple[str, str]:
    """Read `location [=|^~] PATH`: how it matches, and the path."""
    words = node.words
    modifier, path = words if len(words) > 1 else _split(words[0])
    if modifier in {"~", "~*"}:
        raise not_yet(node, f'"{modifier}" is an nginx form of "location"')
    if path.startswith("@") and not modifier:
        raise not_yet(node, f'"{path}": a named location is an nginx form of "location"')
    if modifier not in {"", "=", "^~"}:
        raise node.fail(f'invalid location modifier "{modifier}"', at=node.args[0])
    return ("exact" if modifier == "=" else "prefix"), path


def _split(word: str) -> tuple[str, str]:
    for modifier in ("=", "^~", "~*", "~"):
        if word.startswith(modifier):
            return modifier, word.removeprefix(modifier)
    return "", word


def read_proxy_pass(node: Node, _scope: Scope) -> Address:
    url = node.args[0]
    if "$" in url.value:
        raise not_yet(node, 'a URL with variables is an nginx form of "proxy_pass"')
    lower = url.value.lower()
    if lower.startswith("https://"):
        raise not_yet(node, '"https://" is an nginx form of "proxy_pass"')
    if not lower.startswith("http://"):
        hint = f"did you mean `http://{url.value}`?" if "://" not in url.value else None
        raise node.fail("invalid URL prefix", at=url, hint=hint)
    text = url.value[len("http://") :]
    try:
        return parse(text, default_port=80, uri=True)
    except AddressError as error:
        raise node.fail(f'{error} in upstream "{text}"', at=url) from None


def read_set_header(node: Node, _scope: Scope) -> HeaderLine:
    """Keep both words: nginx looks for variables only where a location takes them over."""
    return HeaderLine(node, node.args[0].value)


def read_value(node: Node, scope: Scope) -> Template:
    """Read the one word as text with variables."""
    return compile_template(node, node.args[0], scope)


def read_next_upstream(node: Node, scope: Scope) -> tuple[str, ...]:
    words: list[str] = []
    for token in node.args:
        word = token.value.lower()
        if word not in _FAILURES:
            raise node.fail(f'invalid value "{token.value}"', at=token)
        if word in words:
            scope.findings.warnings.append(node.fail(f'duplicate value "{word}"', at=token))
        else:
            words.append(word)
    return tuple(words)


def read_return(node: Node, scope: Scope) -> Return:
    code, *rest = node.args
    status = number(code.value)
    if status is None and not rest and code.value.startswith(_REDIRECTS):
        return Return(302, compile_template(node, code, scope))
    if status is None or status > _LARGEST_STATUS:
        raise node.fail(f'invalid return code "{code.value}"', at=code)
    return Return(status, compile_template(node, rest[0], scope) if rest else None)


def read_status_page(node: Node, _scope: Scope) -> StatusPage:
    if node.args and node.args[0].value != "allow_remote":
        raise node.fail(f'invalid parameter "{node.args[0].value}"', at=node.args[0])
    return StatusPage(allow_remote=bool(node.args))


def read_keepalive_timeout(node: Node, _scope: Scope) -> KeepaliveTimeout:
    timeout = milliseconds(node.args[0].value)
    header = seconds(node.args[1].value) if len(node.args) > 1 else None
    if timeout is None or (len(node.args) > 1 and header is None):
        raise node.fail(f'"{node.name.value}" directive invalid value')
    return KeepaliveTimeout(timeout, header)
