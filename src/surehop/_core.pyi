"""The whole native surface. mypy.stubtest compares it with the module in the lint step."""

from typing import final

__all__ = ["Decoder", "check_plan", "check_regex", "serve", "variables", "vocabulary"]

def vocabulary() -> list[tuple[str, list[tuple[str, str]]]]:
    """The engine's enums: for each its name and (word, meaning) of every variant, in order."""

def check_plan(json: bytes) -> None:
    """Reads a plan as the data process would. Raises ValueError with what can't be run."""

def check_regex(pattern: bytes, caseless: bool) -> None:
    """Compiles a regular expression. Raises ValueError with nginx's sentence about it."""

def variables() -> list[str]:
    """The variables that log formats and header values may use; those of a family end in `_`."""

def serve(control: int) -> None:
    """Runs the data process on the control socket until it is told to stop. Raises RuntimeError."""

@final
class Decoder:
    """Unpacks one body as its bytes come; not for several threads at once.

    `encoding` is one content coding: gzip (with several members too), deflate (wrapped as zlib or
    bare), br, zstd (several frames too; windows up to 8 MiB). Raises ValueError for another.
    """

    def __new__(cls, encoding: str) -> Decoder: ...
    def decode(self, data: bytes, limit: int | None = None) -> bytes:
        """Takes `data` in and gives what it unpacks to, at most `limit` bytes of it.

        A few bytes can unpack to gigabytes: to stay bounded, say a limit, and while `pending` is
        true ask for more by `decode(b"", limit)`. Raises ValueError with a sentence when the data
        is broken, now and ever after.
        """

    def finish(self) -> bytes:
        """Gives all that is left, without a limit. Raises ValueError when the data is cut short.

        A body without a byte is whole, as is the answer to a HEAD request.
        """

    @property
    def pending(self) -> bool:
        """Whether there may be more to take without further input."""
