"""Readers of what is said of static files: `root`, `alias`, `index`, `try_files`, `types`."""

from dataclasses import dataclass

from surehop.conf import units, values
from surehop.conf.model import Tries, Try
from surehop.conf.routes import opened_by
from surehop.conf.rows import HSL, LI, MANY, OWN, L, S, block, row
from surehop.conf.scope import Context, Scope
from surehop.conf.templates import Template, Text, Variable, compile_template
from surehop.conf.tokens import Token
from surehop.conf.tree import Node
from surehop.conf.variables import entries

_OTHER = {"root": "alias", "alias": "root"}
_OWN_VARIABLES = ("document_root", "realpath_root")  # they are made of what is being said
_LARGEST_STATUS = 999
TYPES = (("html", "text/html"), ("gif", "image/gif"), ("jpg", "image/jpeg"))  # nginx's own
INDEX = ((Text("index.html"),),)
MOST_RANGES = (1 << 31) - 1
_METHODS = (
    *("GET", "HEAD", "POST", "PUT", "DELETE", "MKCOL", "COPY", "MOVE", "OPTIONS", "PROPFIND"),
    *("PROPPATCH", "LOCK", "UNLOCK", "PATCH"),
)
Types = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Root:
    """`cut`: bytes of the URI that an alias stands for; `whole`: it stands for all of it."""

    path: Template
    cut: int | None = None
    whole: bool = False


DEFAULT_ROOT = Root((Text("html"),))


def read_root(node: Node, scope: Scope) -> Root:
    """Read `root` or `alias`: one of them may stand in a block."""
    name, token = node.name.value, node.args[0]
    other = _OTHER[name]
    if scope.own(other):
        raise node.fail(
            f'"{name}" directive is duplicate, "{other}" directive was specified earlier'
        )
    alias = name == "alias"
    opened = opened_by(scope)
    if alias and opened.match == "named":
        raise node.fail('the "alias" directive cannot be used inside the named location')
    text = token.value
    for variable in _OWN_VARIABLES:
        if f"${variable}" in text or f"${{{variable}}}" in text:
            message = f'the ${variable} variable cannot be used in the "{name}" directive'
            raise node.fail(message, at=token)
    if not alias and text.endswith("/") and text != "/":
        text = text[:-1]
    path = () if not alias and text == "/" else compile_template(node, token, scope, text=text)
    if not path and text != "/":
        path = (Text(""),)  # the prefix itself
    if not alias:
        return Root(path)
    varies = any(isinstance(part, Variable) for part in path)
    cut = len(opened.path.encode("utf-8", "surrogateescape"))
    return Root(path, cut=cut, whole=varies and opened.match == "regex")


def read_index(node: Node, scope: Scope) -> tuple[Template, ...]:
    for token in node.args:
        if not token.value:
            raise node.fail('index "" in "index" directive is invalid', at=token)
        if token.value.startswith("/") and token is not node.args[-1]:
            message = 'only the last index in "index" directive should be absolute'
            scope.findings.warnings.append(node.fail(message, at=token))
    return tuple(compile_template(node, token, scope) for token in node.args)


def read_tries(node: Node, scope: Scope) -> Tries:
    *paths, last = node.args
    code = None
    if last.value.startswith("="):
        code = units.number(last.value[1:])
        if code is None or code > _LARGEST_STATUS:
            raise node.fail(f'invalid code "{last.value}"', at=last)
    tries = tuple(_try(node, token, scope) for token in paths)
    return Tries(tries, compile_template(node, last, scope), code)


def _try(node: Node, token: Token, scope: Scope) -> Try:
    folder = token.value.endswith("/")
    text = token.value[:-1] if folder else token.value
    return Try(compile_template(node, token, scope, text=text), folder)


def read_types(node: Node, scope: Scope) -> Types:
    """Read the block; what several of them in one place say is taken together."""
    found = dict(pair for setting in scope.own("types") for pair in setting.value)
    own: dict[str, str] = {}
    for line in entries(node, scope):
        kind = line.name.value
        if line.block is not None:
            scope.findings.errors.append(line.fail('unexpected "{"'))
            continue
        if kind == "include":
            message = 'invalid number of arguments in "include" directive'
            scope.findings.errors.append(line.fail(message))
            continue
        for token in line.args:
            known = own.get(token.value.lower(), found.get(token.value.lower()))
            if known is not None:
                message = (
                    f'duplicate extension "{token.value.lower()}", content type: "{kind}", '
                    f'previous content type: "{known}"'
                )
                scope.findings.warnings.append(line.fail(message, at=token))
            own[token.value.lower()] = kind
    return tuple(own.items())


def read_limit_except(node: Node, scope: Scope) -> tuple[str, ...]:
    if len(scope.own("limit_except")) > 0:
        raise node.fail('"limit_except" directive is duplicate')
    methods = [token.value.upper() for token in node.args]
    for token, method in zip(node.args, methods, strict=True):
        if method not in _METHODS:
            raise node.fail(f'invalid method "{token.value}"', at=token)
    if "GET" in methods:
        methods.append("HEAD")
    return tuple(dict.fromkeys(methods))


# fmt: off (a table: one row a directive)
ROWS = (
    row("root", HSL | LI, 1, read_root, DEFAULT_ROOT),
    row("alias", L, 1, read_root),
    row("index", HSL, (1, MANY), read_index, (INDEX,), repeatable=True),
    row("try_files", S | L, (2, MANY), read_tries, inherit=OWN),
    row("types", HSL, 0, read_types, (TYPES,), block=Context.TYPES, repeatable=True),
    row("default_type", HSL, 1, values.one(str), "text/plain"),
    row("etag", HSL, 1, values.flag, default=True),
    row("if_modified_since", HSL, 1, values.choice("off", "exact", "before"), "exact"),
    row("max_ranges", HSL, 1, values.one(units.number, "invalid number"), MOST_RANGES),
    row("log_not_found", HSL, 1, values.flag, default=True),
    block("limit_except", L, (1, MANY), Context.LIMIT_EXCEPT, read_limit_except),
    row("stub_status", S | L, (0, 1), values.nothing, inherit=OWN),
)
# fmt: on
