"""Tokens -> directives with blocks. What can't be a directive stays in the tree as `Broken`.

A comment `# surehop: resilience off;` is a directive like any other, with its real position.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from surehop.conf.tokens import Kind, Scan, Token, scan
from surehop.errors import ConfigError

# What `ignore` says is the doctor's to read, and no directive.
_COMMENTED = re.compile(r"#[ \t]*surehop:[ \t]*+(?!ignore\b)")


class Broken(NamedTuple):
    """A place that nginx would stop at."""

    error: ConfigError


class Node(NamedTuple):
    """One directive: `block` is None where it ends with ";". `last` ends it: `;`, or the `}`.

    `line` is that of the `;` or the `{`: there nginx has read the words, and complains of them.
    """

    file: str
    name: Token
    args: tuple[Token, ...]
    block: tuple["Node | Broken", ...] | None
    last: Token
    line: int
    commented: bool = False

    @property
    def words(self) -> tuple[str, ...]:
        return tuple(arg.value for arg in self.args)

    def fail(
        self, message: str, *, at: Token | None = None, hint: str | None = None
    ) -> ConfigError:
        at = at or self.name
        line = max(at.line, self.line)
        column = at.column if at.line == line else None
        return ConfigError(message, file=self.file, line=line, column=column, hint=hint)


class _Open:
    """A block that is being read; `line` is that of its `{`."""

    def __init__(self, head: list[Token], line: int) -> None:
        self.head = head
        self.line = line
        self.children: list[Node | Broken] = []


def parse(text: str, file: str) -> tuple[Node | Broken, ...]:
    """Read the directives of one file; `include` is not followed."""
    return _Parser(file).parse(scan(text, file, blanks=False), text)


def broken(nodes: tuple[Node | Broken, ...]) -> Iterator[Broken]:
    """Give every `Broken` below `nodes`, in the order of the text."""
    pending: list[Node | Broken] = list(reversed(nodes))
    while pending:
        node = pending.pop()
        if isinstance(node, Broken):
            yield node
        elif node.block:
            pending.extend(reversed(node.block))


class _Parser:
    def __init__(self, file: str) -> None:
        self._file = file
        self._stack: list[_Open] = [_Open([], 1)]
        self._words: list[Token] = []

    def parse(self, scanned: Scan, text: str) -> tuple[Node | Broken, ...]:
        for token in scanned.tokens:
            match token.kind:
                case Kind.WORD:
                    self._words.append(token)
                case Kind.COMMENT:
                    self._comment(token)
                case Kind.SEMICOLON:
                    self._end(token)
                case Kind.OPEN:
                    self._open(token)
                case Kind.CLOSE:
                    self._close(token)
                case Kind.BLANK:
                    pass
        self._finish(scanned, text)
        return tuple(self._stack[0].children)

    def _put(self, node: Node | Broken) -> None:
        self._stack[-1].children.append(node)

    def _fail(self, message: str, token: Token, hint: str | None = None) -> None:
        self._put(
            Broken(
                ConfigError(
                    message, file=self._file, line=token.line, column=token.column, hint=hint
                )
            )
        )

    def _end(self, token: Token) -> None:
        if not self._words:
            self._fail('unexpected ";"', token)
            return
        name, *args = self._words
        self._put(Node(self._file, name, tuple(args), None, token, token.line))
        self._words.clear()

    def _open(self, token: Token) -> None:
        if not self._words:
            self._fail('unexpected "{"', token)
        self._stack.append(_Open(self._words, token.line))
        self._words = []

    def _close(self, token: Token) -> None:
        if self._words:
            first = self._words[0]
            hint = f'is a ";" missing behind `{self._words[-1].raw}` (line {first.line})?'
            self._fail('unexpected "}"', token, hint)
            self._words.clear()
        elif len(self._stack) == 1:
            self._fail('unexpected "}"', token)
            return
        if len(self._stack) > 1:
            self._leave(token)

    def _leave(self, last: Token) -> None:
        opened = self._stack.pop()
        if opened.head:  # a block without a name was reported where it began
            name, *args = opened.head
            children = tuple(opened.children)
            self._put(Node(self._file, name, tuple(args), children, last, opened.line))
        else:
            self._stack[-1].children.extend(c for c in opened.children if isinstance(c, Broken))

    def _comment(self, token: Token) -> None:
        found = _COMMENTED.match(token.raw)
        if not found:
            return
        if self._words:
            self._fail(f"`{token.raw}` stands inside of a directive", token)
            return
        skip = found.end()
        inner = scan(
            token.raw[skip:],
            self._file,
            line=token.line,
            column=token.column + skip,
            offset=token.start + skip,
        )
        words = [t for t in inner.tokens if t.kind not in {Kind.BLANK, Kind.COMMENT}]
        if inner.error:
            self._put(Broken(inner.error))
        elif not words or words[0].kind is not Kind.WORD or words[-1].kind is not Kind.SEMICOLON:
            message = f'directive "{words[0].value if words else ""}" is not terminated by ";"'
            self._fail(message, token, "a directive in a comment is `# surehop: NAME VALUE;`")
        elif any(t.kind is not Kind.WORD for t in words[1:-1]):
            self._fail("only one directive without a block can stand in a comment", token)
        else:
            name, *args = words[:-1]
            end = words[-1]
            self._put(Node(self._file, name, tuple(args), None, end, end.line, commented=True))

    def _finish(self, scanned: Scan, text: str) -> None:
        """Close what the end of the text leaves open."""
        end = Token(Kind.BLANK, "", "", "", text.count("\n") + 1, 1, 0, 0)
        if scanned.error:
            self._put(Broken(scanned.error))
        elif self._words:
            hint = f"the directive `{self._words[0].raw}` begins in line {self._words[0].line}"
            self._fail('unexpected end of file, expecting ";" or "}"', end, hint)
        elif len(self._stack) > 1:
            head = self._stack[-1].head
            opened = f"`{head[0].raw} {{` in line {head[0].line}" if head else "a block"
            self._fail('unexpected end of file, expecting "}"', end, f"{opened} is never closed")
        while len(self._stack) > 1:
            self._leave(end)
