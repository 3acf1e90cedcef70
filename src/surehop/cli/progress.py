"""How far a long log is read, on a terminal."""

import sys
import time

from surehop.doctor.render.harmless import harmless

_PATIENCE = 2.0  # seconds: what is read sooner needs no word
_EVERY = 0.1
_CLEAR = "\r\x1b[K"


class Progress:
    """One line on standard error, written over and over."""

    def __init__(self) -> None:
        self._next = time.monotonic() + _PATIENCE
        self._shown = False

    def __call__(self, name: str, done: int, size: int | None) -> None:
        now = time.monotonic()
        if now < self._next:
            return
        self._next = now + _EVERY
        self._shown = True
        share = f"{100 * done // size} %" if size else f"{done // 1_000_000} MB"
        print(f"{_CLEAR}{harmless(name)}: {share}", end="", file=sys.stderr, flush=True)

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            print(_CLEAR, end="", file=sys.stderr, flush=True)


def on_terminal() -> Progress | None:
    """Give one where standard error is a terminal."""
    return Progress() if sys.stderr and sys.stderr.isatty() else None
