"""Tree -> scopes: every directive is looked up in the table, checked and read, in nginx's order."""

import difflib
import glob
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath

from surehop.conf.known import NGINX_DIRECTIVES
from surehop.conf.logs import default_error_log
from surehop.conf.rows import Directive, Status
from surehop.conf.scope import Context, Findings, Scope, Setting
from surehop.conf.table import TABLE, find
from surehop.conf.tokens import decode
from surehop.conf.tree import Broken, Node, broken, parse
from surehop.errors import COMMAND_LINE, ConfigError

_MAGIC = "*?["
_DEEPEST_INCLUDE = 64
_DEEPEST_BLOCK = 100  # nginx's own stack ends later
_HINTED = 256  # errors, after which nobody is told what was meant: it takes its time

ReadFile = Callable[[str], bytes]


class Reading:
    """One reading of a configuration. `read_file` gives the bytes of an included file."""

    def __init__(self, file: str, *, read_file: ReadFile) -> None:
        self._folder = PurePosixPath(file).parent
        self._read_file = read_file
        self._open: list[str] = [file]
        self._met: set[int] = set()  # ids of the Broken places reported so far
        self.findings = Findings(included=self._values)

    def read(self, text: str, *, directives: str = "", error_log: str | None = None) -> Scope:
        """Read everything; what is wrong is in `findings` afterwards.

        `directives` are the command line's, before the file's; `error_log` is the default's path.
        """
        scope = Scope(Context.MAIN, None, None, self.findings)
        if directives and not self._command_line(scope, directives):
            return scope
        self._block(scope, text, self._open[0])
        if error_log is not None and not scope.own("error_log"):
            scope.settings["error_log"] = [default_error_log(error_log)]
        if not scope.own("events"):
            message, hint = 'no "events" section in configuration', "`events {}` is enough"
            self.findings.late.append(ConfigError(message, file="", line=None, hint=hint))
        return scope

    def _command_line(self, scope: Scope, text: str) -> bool:
        """Read `-g`; False if its end was missed: nginx then reads no further."""
        nodes = parse(text, COMMAND_LINE)
        for node in nodes:
            if isinstance(node, Node) and node.block is not None:
                message = "block directives are not supported in -g option"
                self.findings.errors.append(node.fail(message))
                return False
            if isinstance(node, Broken):
                error = node.error
                if error.message.startswith("unexpected end of file"):
                    message = 'unexpected end of parameter, expecting ";"'
                    error = ConfigError(message, file=COMMAND_LINE, line=None, hint=error.hint)
                self.findings.errors.append(error)
                return False
        self._nodes(nodes, scope)
        return True

    def _block(self, scope: Scope, text: str, file: str) -> None:
        nodes = parse(text, file)
        self._nodes(nodes, scope)
        # what stands in blocks that were skipped is wrong all the same
        self._fail_all(place for place in broken(nodes) if id(place) not in self._met)

    def _fail_all(self, places: Iterator[Broken]) -> None:
        self.findings.errors.extend(place.error for place in places)

    def _nodes(self, nodes: tuple[Node | Broken, ...], scope: Scope) -> None:
        for node in nodes:
            if isinstance(node, Broken):
                self._met.add(id(node))
                self.findings.errors.append(node.error)
                continue
            try:
                self._directive(node, scope)
            except ConfigError as error:
                self.findings.errors.append(error)

    def _directive(self, node: Node, scope: Scope) -> None:
        name = node.name.value
        if name == "include":
            self._include(node, scope)
            return
        row = _row(node, scope.context, hinted=len(self.findings.errors) < _HINTED)
        _check_shape(node, row)
        if scope.own(name) and not row.repeatable:
            raise node.fail(f'"{name}" directive is duplicate')
        if row.block is None:
            self._set(node, scope, row)
            return
        if sum(1 for _ in scope.outward()) > _DEEPEST_BLOCK:
            raise node.fail(f'"{name}" stands in too many blocks')
        # a block whose own line is wrong is read all the same: its content may be wrong too
        inner = scope.child(row.block, node)
        try:
            self._set(node, inner if row.block is Context.UPSTREAM else scope, row, scope)
        except ConfigError as error:
            self.findings.errors.append(error)
        if row.block in {Context.TYPES, Context.VALUES}:
            return
        self._nodes(node.block or (), inner)
        _check_end(node, inner)

    def _set(self, node: Node, asked: Scope, row: Directive, scope: Scope | None = None) -> None:
        value = row.read(node, asked)
        if row.status is Status.ACCEPTED:
            self.findings.without_effect.append(node.fail(f'"{node.name.value}" has no effect'))
        (scope or asked).settings.setdefault(node.name.value, []).append(Setting(node, value))

    def _include(self, node: Node, scope: Scope) -> None:
        if node.block is not None:
            raise node.fail('directive "include" is not terminated by ";"')
        if len(node.args) != 1:
            raise node.fail('invalid number of arguments in "include" directive')
        for file in self._included(node):
            if file in self._open or len(self._open) > _DEEPEST_INCLUDE:
                raise node.fail(f'"{file}" is included by itself', at=node.args[0])
            try:
                text = decode(self._read_file(file))
            except OSError as error:
                message = f'open() "{file}" failed ({error.errno}: {error.strerror})'
                raise node.fail(message, at=node.args[0]) from None
            self._open.append(file)
            self._block(scope, text, file)
            self._open.pop()

    def _values(self, node: Node) -> tuple[Node | Broken, ...]:
        """Give what a file has that is included into a block of keys and values."""
        found: list[Node | Broken] = []
        for file in self._included(node):
            try:
                text = decode(self._read_file(file))
            except OSError as error:
                message = f'open() "{file}" failed ({error.errno}: {error.strerror})'
                raise node.fail(message, at=node.args[0]) from None
            nodes = parse(text, file)
            self._fail_all(broken(nodes))
            found.extend(nodes)
        return tuple(found)

    def _included(self, node: Node) -> list[str]:
        pattern = str(self._folder / node.args[0].value)
        if any(char in pattern for char in _MAGIC):
            return sorted(glob.glob(pattern))  # noqa: PTH207 (a pattern may be absolute)
        return [pattern]


def _row(node: Node, context: Context, *, hinted: bool) -> Directive:
    name = node.name.value
    row = find(name, context)
    if node.commented and (row is None or row.status is not Status.OURS):
        if name not in TABLE:
            raise node.fail(f'unknown directive "{name}"', hint=_meant(name) if hinted else None)
        raise node.fail(f'"{name}" can\'t stand in a `# surehop:` comment')
    if row is not None:
        return row
    if name in TABLE:
        places = ", ".join(sorted({f"`{c}`" for row in TABLE[name] for c in row.contexts}))
        raise node.fail(f'"{name}" directive is not allowed here', hint=f"it stands in {places}")
    if name in NGINX_DIRECTIVES:
        raise node.fail(f'"{name}" is an nginx directive that surehop does not support')
    raise node.fail(f'unknown directive "{name}"', hint=_meant(name) if hinted else None)


def _meant(name: str) -> str | None:
    close = difflib.get_close_matches(name, TABLE, n=1, cutoff=0.75)
    close += difflib.get_close_matches(name, NGINX_DIRECTIVES, n=1, cutoff=0.85)
    best = max(
        close, key=lambda each: difflib.SequenceMatcher(None, name, each).ratio(), default=None
    )
    return best and f'did you mean "{best}"?'


def _check_shape(node: Node, row: Directive) -> None:
    name = node.name.value
    if row.block is None and node.block is not None:
        raise node.fail(f'directive "{name}" is not terminated by ";"')
    if row.block is not None and node.block is None:
        raise node.fail(f'directive "{name}" has no opening "{{"')
    low, high = row.arity
    if not low <= len(node.args) <= high:
        raise node.fail(f'invalid number of arguments in "{name}" directive')


def _check_end(node: Node, inner: Scope) -> None:
    tried = any(
        isinstance(child, Node) and child.name.value == "server" for child in node.block or ()
    )
    if inner.context is Context.UPSTREAM and not inner.own("server") and not tried:
        raise node.fail(
            "no servers are inside upstream",
            at=node.last,
            hint=f"add `server ADDRESS:PORT;` to `upstream {node.args[0].raw}`",
        )
