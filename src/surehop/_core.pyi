"""The whole native surface. mypy.stubtest compares it with the module in the lint step."""

from typing import Any, TypeAlias, final

__all__ = [
    "Answer",
    "Ask",
    "Decoder",
    "Digest",
    "Failure",
    "Feed",
    "Resolve",
    "Terms",
    "Tls",
    "Transport",
    "check_plan",
    "check_regex",
    "log_kind",
    "serve",
    "variables",
    "vocabulary",
]

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

def log_kind(head: bytes, formats: list[bytes]) -> str | None:
    """Tells what kind of log begins so; None where it is none that is known.

    `formats` are what a configuration says of access logs, as nginx's `log_format` has it.
    """

@final
class Digest:
    """What logs told, in bounded memory. They are read one after the other, on every core.

    Not for several threads at once. `json` gives files, tallies, outages and traffic; `merge` takes
    them in again, from any number of digests in any order, and raises ValueError for anything else.
    With `rows` every failed try is kept until `rows` takes those that have come: JSON, a line each.
    """

    def __new__(cls, rows: bool = False) -> Digest: ...
    def begin(self, name: str, head: bytes, formats: list[bytes]) -> None:
        """Begins with a log, of the kind that its head shows. Raises ValueError."""

    def feed(self, data: bytes) -> None:
        """Takes the next bytes of the log."""

    def turn(self, descriptor: int, limit: int) -> bool:
        """Reads on from a descriptor, about `limit` bytes; whether there may be more.

        Raises OSError.
        """

    def end(self) -> None:
        """Ends the log, whose last line may have no end."""

    def rows(self) -> bytes: ...
    def merge(self, json: bytes) -> None: ...
    def json(self) -> bytes: ...

@final
class Tls:
    """How TLS is spoken: `roots` are PEM texts, None is the system's trust store.

    Raises ValueError with a sentence about what can't be used.
    """

    def __new__(
        cls, verify: bool, roots: list[bytes] | None, chain: bytes | None, key: bytes | None
    ) -> Tls: ...

@final
class Terms:
    """How long a request may take and when it goes again; `plan` is JSON. Raises ValueError."""

    def __new__(cls, plan: bytes) -> Terms: ...

@final
class Answer:
    """An answer, whole, or its head where `body` is None. `elapsed` is seconds."""

    @property
    def status(self) -> int: ...
    @property
    def reason(self) -> bytes: ...
    @property
    def version(self) -> str: ...
    @property
    def headers(self) -> list[tuple[bytes, bytes]]: ...
    @property
    def body(self) -> bytes | None: ...
    @property
    def marks(self) -> int: ...
    @property
    def elapsed(self) -> float: ...
    def report(self) -> dict[str, Any]: ...

@final
class Failure:
    """No answer, or no more of one."""

    def report(self) -> dict[str, Any]: ...

@final
class Ask:
    """Whether it goes again: `answer(ticket, again, delay)`. `delay` is milliseconds."""

    @property
    def answer(self) -> Answer | None: ...
    @property
    def count(self) -> int: ...
    @property
    def delay(self) -> int: ...
    def report(self) -> dict[str, Any]: ...

@final
class Resolve:
    """The addresses of a name are wanted: `resolved(ticket, addresses, error)`."""

    @property
    def host(self) -> str: ...
    @property
    def port(self) -> int: ...

@final
class Feed:
    """More of the body is wanted, or all of it anew: `feed(ticket, chunk)`."""

    @property
    def restart(self) -> bool: ...

_Event: TypeAlias = Answer | Failure | Ask | Resolve | Feed | bytes

@final
class Transport:
    """The connections of one client; `plan` is JSON. Raises ValueError.

    What comes for a request is an event: an answer, a failure, a question, or a part of a streamed
    body (empty bytes are its end).
    """

    def __new__(cls, plan: bytes) -> Transport: ...
    def target(self, plan: bytes, tls: Tls | None, proxy_tls: Tls | None) -> int: ...
    def forget(self, target: int) -> None: ...
    def send(
        self, target: int, terms: Terms, flags: int, line: bytes, rest: bytes, body: bytes | None
    ) -> int: ...
    def feed(self, ticket: int, chunk: bytes | None) -> None: ...
    def resolved(self, ticket: int, addresses: list[str], error: str | None) -> None: ...
    def answer(self, ticket: int, again: bool, delay: int | None) -> None: ...
    def read(self, ticket: int) -> None: ...
    def cancel(self, ticket: int) -> None: ...
    def take(self, ticket: int) -> _Event | None: ...
    def turn(self) -> list[tuple[int, _Event]]: ...
    def wait(self, ticket: int) -> _Event: ...
    @property
    def due(self) -> bool: ...
    def fileno(self) -> int: ...
    def timeout(self) -> float | None: ...
    def stats(self) -> dict[str, int]: ...
    def close(self) -> None: ...
    def suspend(self) -> None: ...
    def resume(self) -> None: ...
    def abandon(self) -> None: ...
