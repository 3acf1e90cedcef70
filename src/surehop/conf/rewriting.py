"""The rewrite module: `rewrite`, `set`, `if`, `break`, `return`; and `error_page`.

Readers put what they read into the scope's `steps`, in the order of the text.
"""

from dataclasses import dataclass

from surehop.conf import model
from surehop.conf.regexes import read_regex
from surehop.conf.scope import Scope
from surehop.conf.templates import VARIABLES, Template, Text, Variable, compile_template
from surehop.conf.tokens import Token
from surehop.conf.tree import Node
from surehop.conf.units import number

_REDIRECTS = ("http://", "https://", "$scheme")
_LARGEST_STATUS = 999
_FLAGS = ("last", "break", "redirect", "permanent")
_CHANGEABLE = ("args", "limit_rate")
_REGEX_TESTS = ("~", "~*", "!~", "!~*")
_FILE_TESTS = {"f": "file", "d": "folder", "e": "exists", "x": "executable"}
_ERRORS = range(300, 600)
_CLIENT_GONE = 499
_BAD_REQUESTS = (494, 495, 496, 497)


@dataclass(frozen=True, slots=True)
class Assigned:
    """A variable that `set` gives a value."""


@dataclass(frozen=True, slots=True)
class Branch:
    """An `if` whose block is still to be shaped."""

    test: model.Test
    scope: Scope


def read_return(node: Node, scope: Scope) -> model.Return:
    code, *rest = node.args
    status = number(code.value)
    if status is None and not rest and code.value.startswith(_REDIRECTS):
        step = model.Return(302, compile_template(node, code, scope))
    elif status is None or status > _LARGEST_STATUS:
        raise node.fail(f'invalid return code "{code.value}"', at=code)
    else:
        step = model.Return(status, compile_template(node, rest[0], scope) if rest else None)
    scope.steps.append(step)
    return step


def read_break(_node: Node, scope: Scope) -> bool:
    scope.steps.append(model.Break())
    return True


def read_set(node: Node, scope: Scope) -> None:
    target, value = node.args
    if not target.value.startswith("$"):
        raise node.fail(f'invalid variable name "{target.value}"', at=target)
    name = declare(node, target)
    if name not in _CHANGEABLE:
        scope.findings.variables.setdefault(name, Assigned())
    scope.steps.append(model.Set(name, compile_template(node, value, scope)))


def declare(node: Node, token: Token) -> str:
    """Give the name of a variable that the configuration makes its own."""
    name = token.value[1:].lower()
    if not token.value.startswith("$") or not name:
        raise node.fail(f'invalid variable name "{token.value}"', at=token)
    if name in VARIABLES and name not in _CHANGEABLE:
        raise node.fail(f'the duplicate "{name}" variable', at=token)
    return name


def read_rewrite(node: Node, scope: Scope) -> None:
    pattern, target, *flags = node.args
    redirect = 302 if target.value.startswith(_REDIRECTS) else None
    flag = flags[0].value if flags else None
    regex = read_regex(node, pattern, pattern.value, scope.findings, caseless=False)
    if flag is not None and flag not in _FLAGS:
        raise node.fail(f'invalid parameter "{flag}"', at=flags[0])
    redirect = {"redirect": 302, "permanent": 301}.get(flag or "", redirect)
    text = target.value
    if not text:
        raise node.fail("empty replacement", at=target)
    dropped = text.endswith("?")
    template = compile_template(node, target, scope, text=text[:-1] if dropped else text)
    path, args = _split(template)
    scope.steps.append(
        model.Rewrite(
            regex=regex,
            path=path,
            args=args,
            add_args=not dropped,
            redirect=redirect,
            last=redirect is not None or flag is not None,
            stop=flag == "break",
        )
    )


def _split(template: Template) -> tuple[Template, Template | None]:
    """Cut at the first question mark that is written."""
    for at, part in enumerate(template):
        if isinstance(part, Text) and "?" in part.text:
            before, _, after = part.text.partition("?")
            path = (*template[:at], *([Text(before)] if before else []))
            return path, (*([Text(after)] if after else []), *template[at + 1 :])
    return template, None


def read_if(node: Node, scope: Scope) -> None:
    """Read the condition; the block is the child that was opened last."""
    scope.steps.append(Branch(_test(node, scope), scope.children[-1]))


def _test(node: Node, scope: Scope) -> model.Test:
    tokens = _inside(node)
    first = tokens[0]
    if len(first[1]) > 1 and first[1].startswith("$"):
        return _variable_test(node, scope, tokens)
    kind = first[1].removeprefix("!")
    if kind.startswith("-") and len(kind) == len("-f"):
        what = _FILE_TESTS.get(kind[1])
        if len(tokens) != len(("-f", "path")) or what is None:
            raise node.fail(f'invalid condition "{first[1]}"', at=first[0])
        path = compile_template(node, tokens[1][0], scope, text=tokens[1][1])
        return model.FileTest(path, what, first[1].startswith("!"))
    raise node.fail(f'invalid condition "{first[1]}"', at=first[0])


def _inside(node: Node) -> list[tuple[Token, str]]:
    """Give the words between the brackets, with the tokens they were in."""
    words = [(token, token.value) for token in node.args]
    token, text = words[0]
    if not text.startswith("("):
        raise node.fail(f'invalid condition "{text}"', at=token)
    if text == "(" and len(words) == 1:
        raise node.fail(f'invalid condition "{text}"', at=token)
    words[0] = (token, text[1:])
    if len(words) == 1 and text == "()":
        raise node.fail('invalid condition ")"', at=token)
    token, text = words[-1]
    if not text.endswith(")"):
        raise node.fail(f'invalid condition "{text}"', at=token)
    words[-1] = (token, text[:-1])
    if not words[0][1] and len(words) > 1:
        del words[0]
    if not words[-1][1] and len(words) > 1 and words[-1][0].value == ")":
        del words[-1]
    return words


def _variable_test(node: Node, scope: Scope, tokens: list[tuple[Token, str]]) -> model.Test:
    token, name = tokens[0]
    if len(tokens) not in {1, 3}:
        raise node.fail(f'invalid condition "{name}"', at=token)
    value = (Variable(name[1:].lower()),)
    compile_template(node, token, scope, text=name)  # notes the variable
    if len(tokens) == 1:
        return model.Truth(value)
    at, operator = tokens[1]
    other, text = tokens[2]
    if operator in {"=", "!="}:
        to = compile_template(node, other, scope, text=text)
        return model.Equal(value, to, operator == "!=")
    if operator in _REGEX_TESTS:
        caseless = operator.endswith("*")
        regex = read_regex(node, other, text, scope.findings, caseless=caseless)
        return model.Match(value, regex, operator.startswith("!"))
    raise node.fail(f'unexpected "{operator}" in condition', at=at)


def read_error_page(node: Node, scope: Scope) -> tuple[model.ErrorPage, ...]:
    *codes, target = node.args
    overwrite: int | None = None
    if codes[-1].value.startswith("="):
        said = codes.pop()
        overwrite = 0 if said.value == "=" else number(said.value[1:])
        if overwrite is None or not codes:
            raise node.fail(f'invalid value "{said.value}"', at=said)
    template = compile_template(node, target, scope)
    args, fixed = "", all(isinstance(part, Text) for part in template)
    if fixed and target.value.startswith("/"):
        path, _, args = target.value.partition("?")
        template = (Text(path),)
    return tuple(_page(node, code, overwrite, template, args, split=not fixed) for code in codes)


def _page(
    node: Node, token: Token, overwrite: int | None, target: Template, args: str, *, split: bool
) -> model.ErrorPage:
    status = number(token.value)
    if status is None or status == _CLIENT_GONE:
        raise node.fail(f'invalid value "{token.value}"', at=token)
    if status not in _ERRORS:
        raise node.fail(f'value "{token.value}" must be between 300 and 599', at=token)
    if overwrite is None and status in _BAD_REQUESTS:
        overwrite = 400
    return model.ErrorPage(status, overwrite, target, args, split)
