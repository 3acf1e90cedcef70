"""`location` and what stands in it: `proxy_*`, `surehop_status`."""

from dataclasses import dataclass

from surehop.conf.address import AddressError, parse
from surehop.conf.model import KeepaliveTimeout, Regex, StatusPage, Target
from surehop.conf.regexes import read_regex
from surehop.conf.scope import Context, Scope, not_yet
from surehop.conf.templates import Template, compile_template
from surehop.conf.tree import Node
from surehop.conf.units import milliseconds, seconds

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


_MATCHES = {"": "prefix", "=": "exact", "^~": "final", "~": "regex", "~*": "regex"}


@dataclass(frozen=True, slots=True)
class Opened:
    """The line that opens a location."""

    match: str
    path: str
    regex: Regex | None


def read_location(node: Node, scope: Scope) -> Opened:
    """Read `location [=|^~|~|~*] PATH` or `location @NAME`."""
    words = node.words
    modifier, path = words if len(words) > 1 else _split(words[0])
    if modifier not in _MATCHES:
        raise node.fail(f'invalid location modifier "{modifier}"', at=node.args[0])
    match, regex = _MATCHES[modifier], None
    if match == "regex":
        caseless = modifier == "~*"
        regex = read_regex(node, node.args[-1], path, scope.findings, caseless=caseless)
    elif len(words) == 1 and path.startswith("@") and not modifier:
        match = "named"
    opened = Opened(match, path, regex)
    if scope.context is Context.LOCATION:
        _check_nested(node, opened, opened_by(scope))
    return opened


def opened_by(scope: Scope) -> Opened:
    """Give the value of the `location` line that opened `scope`."""
    settings = scope.parent.own("location") if scope.parent else []
    found = next((s.value for s in settings if s.node is scope.node), None)
    return found or Opened("prefix", "", None)


def _check_nested(node: Node, inner: Opened, outer: Opened) -> None:
    for match in ("exact", "named"):
        if outer.match == match:
            raise node.fail(
                f'location "{inner.path}" cannot be inside the {match} location "{outer.path}"'
            )
    if inner.match == "named":
        raise node.fail(f'named location "{inner.path}" can be on the server level only')
    if inner.regex is None and not inner.path.startswith(outer.path):
        raise node.fail(f'location "{inner.path}" is outside location "{outer.path}"')


def _split(word: str) -> tuple[str, str]:
    for modifier in ("=", "^~", "~*", "~"):
        if word.startswith(modifier):
            return modifier, word.removeprefix(modifier)
    return "", word


def read_proxy_pass(node: Node, scope: Scope) -> Target:
    url = node.args[0]
    if "$" in url.value:
        return Target(None, compile_template(node, url, scope))
    lower = url.value.lower()
    if lower.startswith("https://"):
        raise not_yet(node, '"https://" is an nginx form of "proxy_pass"')
    if not lower.startswith("http://"):
        hint = f"did you mean `http://{url.value}`?" if "://" not in url.value else None
        raise node.fail("invalid URL prefix", at=url, hint=hint)
    text = url.value[len("http://") :]
    try:
        address = parse(text, default_port=80, uri=True)
    except AddressError as error:
        raise node.fail(f'{error} in upstream "{text}"', at=url) from None
    block = scope.context is not Context.LOCATION
    if address.uri and (block or opened_by(scope).match in {"regex", "named"}):
        raise node.fail(
            '"proxy_pass" cannot have URI part in location given by regular expression, '
            'or inside named location, or inside "if" statement, or inside "limit_except" block',
            at=url,
        )
    return Target(address, ())


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
