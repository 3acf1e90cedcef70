"""Text -> tokens, after nginx's own rules (its reader works byte by byte; so do the spans here).

Joining the `raw` of all tokens gives the text back, so a file can be edited in place.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from surehop.errors import ConfigError

_BLANKS = " \t\r\n"
_WORD_ENDS = _BLANKS + ";{"
_AFTER_QUOTE = _WORD_ENDS + ")"
_PUNCTUATION = ";{}"
_LONGEST = 4096  # bytes: nginx's buffer; a longer parameter is an error
_SHOWN = 10
_ESCAPE = re.compile(r"""\\(["'\\trn])""")
_ESCAPED = {"t": "\t", "r": "\r", "n": "\n"}


class Kind(StrEnum):
    WORD = "word"
    SEMICOLON = ";"
    OPEN = "{"
    CLOSE = "}"
    COMMENT = "comment"
    BLANK = "blank"


@dataclass(frozen=True, slots=True)
class Token:
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


@dataclass(frozen=True, slots=True)
class Scan:
    """The tokens as far as the text could be read, and what stopped the reading."""

    tokens: tuple[Token, ...]
    error: ConfigError | None


@dataclass(slots=True)
class _Place:
    line: int = 1
    column: int = 1
    offset: int = 0

    def pass_over(self, raw: str) -> None:
        self.offset += len(raw.encode("utf-8", "surrogateescape"))
        lines = raw.count("\n")
        if lines:
            self.line += lines
            self.column = len(raw) - raw.rindex("\n")
        else:
            self.column += len(raw)


def tokenize(text: str, file: str) -> tuple[Token, ...]:
    """Give all tokens of `text`, or raise ConfigError."""
    scanned = scan(text, file)
    if scanned.error:
        raise scanned.error
    return scanned.tokens


def scan(text: str, file: str, *, line: int = 1, column: int = 1, offset: int = 0) -> Scan:
    """Read tokens up to the first thing that is no token. `line`.. say where `text` begins."""
    place = _Place(line, column, offset)
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        kind, end, error = _next(text, at)
        raw = text[at:end]
        if not error and kind is Kind.WORD:
            error = _too_long(text, at, end)
        if error:
            place.pass_over(text[at : error.at])
            return Scan(tuple(tokens), error.at_place(file, place))
        first = Token(kind, "", raw, "", place.line, place.column, place.offset, 0)
        place.pass_over(raw)
        tokens.append(_finished(first, place.offset))
        at = end
    return Scan(tuple(tokens), None)


@dataclass(frozen=True, slots=True)
class _Refusal:
    message: str
    at: int
    hint: str | None = None

    def at_place(self, file: str, place: _Place) -> ConfigError:
        return ConfigError(
            self.message, file=file, line=place.line, column=place.column, hint=self.hint
        )


def _next(text: str, at: int) -> tuple[Kind, int, _Refusal | None]:
    first = text[at]
    if first in _BLANKS:
        return Kind.BLANK, _end_of_blank(text, at), None
    if first == "#":
        end = text.find("\n", at)
        return Kind.COMMENT, len(text) if end < 0 else end, None
    if first in _PUNCTUATION:
        return Kind(first), at + 1, None
    if first in "\"'":
        return _quoted(text, at)
    return Kind.WORD, _end_of_word(text, at), None


def _end_of_blank(text: str, at: int) -> int:
    while at < len(text) and text[at] in _BLANKS:
        at += 1
    return at


def _end_of_word(text: str, at: int) -> int:
    variable = False  # just behind "$": a "{" then belongs to the word
    while at < len(text):
        char = text[at]
        if char == "{" and variable:
            at += 1
            continue
        variable = char == "$"
        if char == "\\":
            at += 2
            continue
        if char in _WORD_ENDS:
            break
        at += 1
    return min(at, len(text))


def _quoted(text: str, at: int) -> tuple[Kind, int, _Refusal | None]:
    quote = text[at]
    end = at + 1
    while end < len(text) and text[end] != quote:
        end += 2 if text[end] == "\\" else 1
    if end >= len(text):
        hint = f"the {quote} that opens {text[at : at + _SHOWN]!r} is never closed"
        refusal = _Refusal('unexpected end of file, expecting ";" or "}"', len(text), hint)
        return Kind.WORD, len(text), _too_long(text, at, len(text)) or refusal
    end += 1
    if end < len(text) and text[end] not in _AFTER_QUOTE:
        return Kind.WORD, end, _Refusal(f'unexpected "{text[end]}"', end)
    return Kind.WORD, end, None


def _too_long(text: str, at: int, end: int) -> _Refusal | None:
    quoted = text[at] in "\"'"
    closed = quoted and end - at > 1 and text[end - 1] == text[at]
    inner = text[at + quoted : end - closed].encode("utf-8", "surrogateescape")
    if len(inner) < _LONGEST:
        return None
    if quoted:
        missing = f'"{text[at]}" character'
        return _Refusal(f"too long parameter, probably missing terminating {missing}", at)
    shown = inner[:_SHOWN].decode("utf-8", "surrogateescape")
    return _Refusal(f'too long parameter "{shown}..." started', at)


def _finished(token: Token, end: int) -> Token:
    raw = token.raw
    value = ""
    if token.kind is Kind.WORD:
        quote = raw[0] if raw[0] in "\"'" else ""
        inner = raw[1:-1] if quote else raw
        value = _ESCAPE.sub(lambda found: _ESCAPED.get(found[1], found[1]), inner)
    else:
        quote = ""
    return Token(token.kind, value, raw, quote, token.line, token.column, token.start, end)
