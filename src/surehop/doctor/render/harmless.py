"""Text of others, shown to people."""

import re

# What stands in a user's file must not move the cursor of whoever reads the report.
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def harmless(text: str) -> str:
    """Show control characters, and bytes that are no UTF-8, as `\\xNN`."""
    return _CONTROLS.sub(lambda found: f"\\x{ord(found[0]) & 0xFF:02x}", text)
