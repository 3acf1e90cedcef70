"""Text of others, shown to people."""

import re

# What stands in a user's file must not move the cursor of whoever reads the report, begin a line
# of its own, or turn the direction of writing.
_CONTROLS = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_WIDE = 0x100
_BYTES = 0xDC00  # where surrogates of bytes that are no UTF-8 begin


def harmless(text: str) -> str:
    """Show a line's control characters, and bytes that are no UTF-8, as `\\xNN` or `\\uNNNN`."""
    return _CONTROLS.sub(_shown, text)


def harmless_lines(text: str) -> str:
    """Do so with each of several lines; an end of line stays what it is."""
    return "\n".join(
        harmless(line.removesuffix("\r")) + line[len(line.removesuffix("\r")) :]
        for line in text.split("\n")
    )


def _shown(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code & 0xFF:02x}" if code < _WIDE or code >= _BYTES else f"\\u{code:04x}"
