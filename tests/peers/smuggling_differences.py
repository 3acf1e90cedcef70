"""Where Surehop takes a message made to be read in two ways otherwise than nginx does, and why."""

from collections.abc import Mapping
from fnmatch import fnmatchcase

_BARE_CR = "a CR ends nothing but with its LF; nginx skips one here"
_LONG = "a chunk's size and extension have a limit; nginx reads on for ever"
_DECODED = "what a configuration writes into a header ends no line; nginx writes what was decoded"
_NO_HTTP = "what is no response is refused; nginx passes it on as a body"
_CONTROL = "a control character in a value, which nginx takes"
_INTERIM = "interim answers are passed over; nginx takes one for the final answer"

# Of requests, and of answers.
REQUESTS = {
    "length: a cr": _BARE_CR,
    "lines: cr before crlf": _BARE_CR,
    "lines: cr first": _BARE_CR,
    "chunks: two sizes": "an extension starts with `;`; nginx takes a blank for it",
    "chunks: nul in the extension": "no control characters in extensions; nginx reads over them",
    "chunks: a very long extension": _LONG,
    "chunks: zeros for ever": _LONG,
    "written: added, [!b]*": _DECODED,
    "written: line, [!b]*": _DECODED,
    "written: moved, [!b]*": _DECODED,
}
ANSWERS = {
    "line: cr before crlf": _BARE_CR,
    "status: 99": "a status below 100 is none",
    "100*": _INTERIM,
    "101 unasked": "nothing is passed on behind a switch that nobody asked for; nginx passes it on",
    "status: nul in the reason": "a status line with NUL is none; nginx says nothing of it",
}
# What nginx takes is refused where `resilience` is on.
STRICT: dict[str, str | None] = {
    "status: no reason": None,
    "status: 999": None,
    "status: *": _NO_HTTP,
    "an empty line first": _NO_HTTP,
    "lines: control in a value": _CONTROL,
    "line: control in a value": _CONTROL,
    "te.te: vertical tab": _CONTROL,
    "te.te: form feed*": _CONTROL,
    "length b'\\x0b*": _CONTROL,
    "line: contradicts host": "a Host line may not contradict the request line; nginx overrules it",
}


def difference(differences: Mapping[str, str | None], name: str) -> str | None:
    """Why a case differs, if it may."""
    name = name.removeprefix("flow, ")
    return next((why for pattern, why in differences.items() if fnmatchcase(name, pattern)), None)
