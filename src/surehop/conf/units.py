"""Words -> numbers, times and sizes, after nginx's rules; None for what is none."""

import re

MAX_NUMBER = 2**63 - 1
PAGE = 4096

_TIME_UNITS = {  # name: (order, seconds)
    "y": (1, 365 * 86400),
    "M": (2, 30 * 86400),
    "w": (3, 7 * 86400),
    "d": (4, 86400),
    "h": (5, 3600),
    "m": (6, 60),
    "s": (7, 1),
    "ms": (8, 0),
    "": (9, 1),
}
_TIME_PART = re.compile(r"(\d+)(ms|[yMwdhms ]|$) *")
_SIZE = re.compile(r"(\d+)([kKmMgG]?)")
_SIZE_UNITS = {"": 1, "k": 1 << 10, "m": 1 << 20, "g": 1 << 30}


def number(text: str) -> int | None:
    """Read a decimal number without a sign."""
    if not (text.isascii() and text.isdigit()):
        return None
    value = int(text) if len(text) < len(str(MAX_NUMBER)) + 1 else MAX_NUMBER + 1
    return value if value <= MAX_NUMBER else None


def milliseconds(text: str) -> int | None:
    """Read nginx's time with units, `1m 30s` or `500ms`; seconds where there is none."""
    return _time(text, whole_seconds=False)


def seconds(text: str) -> int | None:
    """Read nginx's time in whole seconds; years and months are allowed here alone."""
    return _time(text, whole_seconds=True)


def _time(text: str, *, whole_seconds: bool) -> int | None:
    total = 0
    step = 0 if whole_seconds else 2
    at = 0
    while at < len(text):
        found = _TIME_PART.match(text, at)
        if not found:
            return None
        order, length = _TIME_UNITS[found[2].strip()]
        if order <= step or (found[2] == "ms" and whole_seconds):
            return None
        amount = number(found[1])
        if amount is None:
            return None
        scale = length if whole_seconds else length * 1000 or 1
        total += amount * scale
        step = order
        at = found.end()
    return total if text and total <= MAX_NUMBER else None


def size(text: str) -> int | None:
    """Read bytes, with k or m."""
    return None if text[-1:] in {"g", "G"} else offset(text)


def offset(text: str) -> int | None:
    """Read bytes, with k, m or g."""
    found = _SIZE.fullmatch(text)
    if not found or not text.isascii():
        return None
    amount = number(found[1])
    value = MAX_NUMBER + 1 if amount is None else amount * _SIZE_UNITS[found[2].lower()]
    return value if value <= MAX_NUMBER else None
