"""Text -> tokens, after nginx's own rules (its reader works byte by byte; so do the spans here).

Joining the `raw` of all tokens gives the text back, so a file can be edited in place.
"""

import re
from enum import StrEnum
from typing import NamedTuple

from surehop.errors import ConfigError

_AFTER_QUOTE = " \t\r\n;{)"
_LONGEST = 4096  # bytes: nginx's buffer; a longer parameter is an error
_SHOWN = 10
_ESCAPE = re.compile(r"""\\(["'\\trn])""")
_ESCAPED = {"t": "\t", "r": "\r", "n": "\n"}
# Both patterns are compiled where they are used: it takes its time, and whoever reads logs needs
# neither. Just behind "$", a "{" belongs to the word.
_PART = r"""
      (?P<blank> [ \t\r\n]+ )
    | (?P<comment> \#[^\n]* )
    | (?P<sign> [;{}] )
    | (?P<quoted> "(?:[^"\\]++|\\.)*+" | '(?:[^'\\]++|\\.)*+' )
    | (?P<open> ["'] )
    | (?P<word> (?:[^\\$ \t\r\n;{]++|\\(?:.|\Z)|\$\{*)++ )
    """


class Kind(StrEnum):
    WORD = "word"
    SEMICOLON = ";"
    OPEN = "{"
    CLOSE = "}"
    COMMENT = "comment"
    BLANK = "blank"


# What stands in the block of such a directive is Lua: quotation marks and brackets of its own.
_LUA = "_by_lua_block"
_OF_LUA = r"""
      --\[(=*)\[ .*? \]\1\] | --[^\n]*
    | "(?:[^"\\\n]++|\\.)*+" | '(?:[^'\\\n]++|\\.)*+' | \[(=*)\[ .*? \]\2\]
    | (?P<bracket> [{}] )
    """
_FLAGS = re.DOTALL | re.VERBOSE
_SIGNS = {";": Kind.SEMICOLON, "{": Kind.OPEN, "}": Kind.CLOSE}


class Token(NamedTuple):
    """`value` is what nginx sees, `raw` what stands in the file; `start` and `end` are bytes.

    `quote` is the quotation mark, or "". `line` and `column` count from 1.
    """

    kind: Kind
    value: str
    raw: str
    quote: str
    line: int
    column: int
    start: int
    end: int


class Scan(NamedTuple):
    """The tokens as far as the text could be read, and what stopped the reading."""

    tokens: tuple[Token, ...]
    error: ConfigError | None


def decode(raw: bytes) -> str:
    """Configuration text is bytes: those that are no UTF-8 are carried through unharmed."""
    return raw.decode("utf-8", "surrogateescape")


def tokenize(text: str, file: str) -> tuple[Token, ...]:
    """Give all tokens of `text`, or raise ConfigError."""
    scanned = scan(text, file)
    if scanned.error:
        raise scanned.error
    return scanned.tokens


def scan(
    text: str, file: str, *, line: int = 1, column: int = 1, offset: int = 0, blanks: bool = True
) -> Scan:
    """Read tokens up to the first thing that is no token. `line`.. say where `text` begins.

    blanks: give those too.
    """
    tokens: list[Token] = []
    plain = text.isascii()
    begins = 1 - column  # where the line begins
    at = 0
    lua = ""  # the directive, then its bracket
    token_at = re.compile(_PART, _FLAGS).match
    while found := token_at(text, at):
        raw = found[0]
        what = found.lastgroup
        end = found.end()
        if lua == "{":
            end = _end_of_lua(text, at)
            raw, what, lua = text[at:end], "blank", ""
        refusal = None
        if what in {"word", "quoted", "open"}:
            refusal = _refusal(text, at, end)
        if refusal:
            message, stop, hint = refusal
            line += text.count("\n", at, stop)
            begins = max(begins, text.rfind("\n", at, stop) + 1)
            error = ConfigError(message, file=file, line=line, column=stop - begins + 1, hint=hint)
            return Scan(tuple(tokens), error)
        to = offset + (len(raw) if plain else len(raw.encode("utf-8", "surrogateescape")))
        if what == "word":
            value = _unescaped(raw) if "\\" in raw else raw
            tokens.append(Token(Kind.WORD, value, raw, "", line, at - begins + 1, offset, to))
            lua = lua or (raw if raw.endswith(_LUA) else "")
        elif what == "sign":
            lua = raw if lua and raw == "{" else ""
            tokens.append(Token(_SIGNS[raw], "", raw, "", line, at - begins + 1, offset, to))
        elif what == "quoted":
            value = _unescaped(raw[1:-1])
            tokens.append(Token(Kind.WORD, value, raw, raw[0], line, at - begins + 1, offset, to))
        elif what == "comment" or blanks:
            kind = Kind.COMMENT if what == "comment" else Kind.BLANK
            tokens.append(Token(kind, "", raw, "", line, at - begins + 1, offset, to))
        if "\n" in raw:
            line += raw.count("\n")
            begins = text.rindex("\n", at, end) + 1
        at, offset = end, to
    return Scan(tuple(tokens), None)


def _end_of_lua(text: str, at: int) -> int:
    """Give where the bracket stands that ends a block of Lua; the end of the text if none does."""
    depth = 1
    for found in re.compile(_OF_LUA, _FLAGS).finditer(text, at):
        depth += {"{": 1, "}": -1}.get(found["bracket"] or "", 0)
        if not depth:
            return found.start()
    return len(text)


_Refusal = tuple[str, int, str | None]


def _refusal(text: str, at: int, end: int) -> _Refusal | None:
    """Say what is wrong with a word, where, and what to do."""
    quote = text[at]
    if quote not in "\"'":
        return _too_long(text, at, end) if end - at >= _LONGEST // 4 else None
    if end - at == 1:  # it is never closed
        hint = f"the {quote} that opens {text[at : at + _SHOWN]!r} is never closed"
        refusal = ('unexpected end of file, expecting ";" or "}"', len(text), hint)
        return _too_long(text, at, len(text)) or refusal
    if end < len(text) and text[end] not in _AFTER_QUOTE:
        return f'unexpected "{text[end]}"', end, None
    return _too_long(text, at, end) if end - at >= _LONGEST // 4 else None


def _too_long(text: str, at: int, end: int) -> _Refusal | None:
    quoted = text[at] in "\"'"
    closed = quoted and end - at > 1 and text[end - 1] == text[at]
    inner = text[at + quoted : end - closed].encode("utf-8", "surrogateescape")
    if len(inner) < _LONGEST:
        return None
    if quoted:
        missing = f'"{text[at]}" character'
        return f"too long parameter, probably missing terminating {missing}", at, None
    shown = inner[:_SHOWN].decode("utf-8", "surrogateescape")
    return f'too long parameter "{shown}..." started', at, None


def _unescaped(text: str) -> str:
    return _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), text)
