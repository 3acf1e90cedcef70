"""Directives about what is done to answers on their way out."""

from surehop.conf import values
from surehop.conf.filters import Added, Expires
from surehop.conf.rows import HSL, LI, row
from surehop.conf.scope import Scope
from surehop.conf.templates import Text, compile_template
from surehop.conf.tree import Node

_FULL = 3
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
    seconds = values.seconds(word[1:] if word[:1] in {"@", "+", "-"} else word)
    if seconds is None:
        return "invalid value"
    if daily and seconds > _DAY:
        return "daily time value must be less than 24 hours"
    return None


ROWS = (
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
