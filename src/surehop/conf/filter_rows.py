"""Directives about what is done to answers on their way out."""

from surehop.conf import units, values
from surehop.conf.filters import Added, Expires
from surehop.conf.regexes import read_regex
from surehop.conf.rows import HSL, LI, MANY, accepted, row
from surehop.conf.scope import Reader, Scope
from surehop.conf.templates import Template, Text, compile_template
from surehop.conf.tree import Node

_FULL = 3
_HIGHEST_LEVEL = 9
_KILO = 1 << 10
_PROXIED = (
    *("off", "expired", "no-cache", "no-store", "private", "no_last_modified", "no_etag"),
    *("auth", "any"),
)
SPECIAL = ("msie6", "degradation")  # words of gzip_disable that are no patterns
_DAY = 24 * 60 * 60


def _added(node: Node, scope: Scope) -> Added:
    value = compile_template(node, node.args[1], scope)
    always = len(node.args) == _FULL
    if always and node.args[2].value != "always":
        raise node.fail(f'invalid parameter "{node.args[2].value}"', at=node.args[2])
    return Added(node.args[0].value, value, always)


def _expires(node: Node, scope: Scope) -> Expires:
    *first, last = node.args
    if first and first[0].value != "modified":
        raise node.fail('"expires" directive invalid value', at=first[0])
    value = compile_template(node, last, scope)
    if all(isinstance(part, Text) for part in value):
        wrong = _wrong_time(last.value, modified=bool(first))
        if wrong:
            raise node.fail(f'"expires" directive {wrong}', at=last)
    return Expires(modified=bool(first), value=value)


def _wrong_time(word: str, *, modified: bool) -> str | None:
    if not modified and word in {"epoch", "max", "off"}:
        return None
    daily = word.startswith("@")
    if daily and modified:
        return 'daily time cannot be used with "modified" parameter'
    seconds = units.seconds(word[1:] if word[:1] in {"@", "+", "-"} else word)
    if seconds is None:
        return "invalid value"
    if daily and seconds > _DAY:
        return "daily time value must be less than 24 hours"
    return None


def _size(node: Node, scope: Scope) -> Template:
    value = compile_template(node, node.args[0], scope)
    fixed = all(isinstance(part, Text) for part in value)
    if fixed and units.size(node.args[0].value) is None:
        raise node.fail(f'"{node.name.value}" directive invalid value', at=node.args[0])
    return value


def _gzip_types(node: Node, scope: Scope) -> tuple[str, ...]:
    known = {"text/html", *(kind for line in scope.own("gzip_types") for kind in line.value)}
    found: list[str] = []
    for token in node.args:
        kind = token.value.lower()
        if kind in known and kind != "*":
            message = f'duplicate MIME type "{token.value}"'
            scope.findings.warnings.append(node.fail(message, at=token))
            continue
        known.add(kind)
        found.append(kind)
    return tuple(found)


def _gzip_disable(node: Node, scope: Scope) -> tuple[str, ...]:
    for token in node.args:
        if token.value not in SPECIAL:
            read_regex(node, token, token.value, scope.findings, caseless=True)
    return node.words


def _gzip_proxied(node: Node, scope: Scope) -> tuple[str, ...]:
    found: list[str] = []
    for token in node.args:
        if token.value not in _PROXIED:
            raise node.fail(f'invalid value "{token.value}"', at=token)
        if token.value in found:
            message = f'duplicate value "{token.value}"'
            scope.findings.warnings.append(node.fail(message, at=token))
            continue
        found.append(token.value)
    return tuple(found)


def _level(node: Node, _scope: Scope) -> int:
    level = units.number(node.args[0].value)
    if level is None:
        raise node.fail('"gzip_comp_level" directive invalid number', at=node.args[0])
    if not 1 <= level <= _HIGHEST_LEVEL:
        raise node.fail("value must be between 1 and 9", at=node.args[0])
    return level


def _power(least: int, most: int) -> Reader:
    """Make a reader of a size that is a power of two from `least` to `most`."""
    allowed = [1 << bits for bits in range(least, most + 1)]
    words = [f"{size >> 10}k" if size >= _KILO else str(size) for size in allowed]

    def read(node: Node, _scope: Scope) -> int:
        size = units.size(node.args[0].value)
        name = node.name.value
        if size is None:
            raise node.fail(f'"{name}" directive invalid value', at=node.args[0])
        if size not in allowed:
            listed = ", ".join(words[:-1])
            raise node.fail(f'"{name}" directive must be {listed}, or {words[-1]}')
        return size

    return read


ROWS = (
    row("gzip", HSL | LI, 1, values.flag, default=False),
    row("gzip_types", HSL, (1, MANY), _gzip_types, (), repeatable=True),
    row("gzip_min_length", HSL, 1, values.one(units.size), 20),
    row("gzip_comp_level", HSL, 1, _level, 1),
    row("gzip_window", HSL, 1, _power(9, 15), 1 << 15),
    row("gzip_http_version", HSL, 1, values.choice("1.0", "1.1"), "1.1"),
    row("gzip_proxied", HSL, (1, MANY), _gzip_proxied, ("off",)),
    row("gzip_vary", HSL, 1, values.flag, default=False),
    row("gzip_disable", HSL, (1, MANY), _gzip_disable, (), repeatable=True),
    *accepted("gzip_hash", HSL, _power(9, 17)),
    *accepted("gzip_no_buffer", HSL, values.flag),
    *accepted("postpone_gzipping", HSL, values.one(units.size)),
    *accepted("gzip_buffers", HSL, values.buffers, 2),
    row("limit_rate", HSL | LI, 1, _size, ()),
    row("limit_rate_after", HSL | LI, 1, _size, ()),
    row("server_tokens", HSL, 1, values.choice("on", "off", "build"), "on"),
    row("add_header", HSL | LI, (2, 3), _added, (), repeatable=True),
    row("add_trailer", HSL | LI, (2, 3), _added, (), repeatable=True),
    *(
        row(f"add_{what}_inherit", HSL | LI, 1, values.choice("on", "off", "merge"), "on")
        for what in ("header", "trailer")
    ),
    row("expires", HSL | LI, (1, 2), _expires),
    row("chunked_transfer_encoding", HSL, 1, values.flag, default=True),
    row("msie_padding", HSL, 1, values.flag, default=True),
    row("msie_refresh", HSL, 1, values.flag, default=False),
)
