"""A request, as it was read."""

import hashlib
from dataclasses import dataclass
from urllib.parse import parse_qs, unquote


class InvalidRequestError(Exception):
    """The request can't be taken; `status` is the answer, after which the connection closes.

    hostless: all that it lacks is a Host header.
    """

    def __init__(self, status: int, why: str, *, hostless: bool = False) -> None:
        super().__init__(why)
        self.status = status
        self.hostless = hostless


@dataclass(frozen=True, slots=True)
class Request:
    """A request's head. `version` is the minor one, `length` None for a chunked body."""

    method: str
    target: str
    version: int
    headers: tuple[tuple[str, str], ...]
    length: int | None

    def values(self, name: str) -> list[str]:
        return [v for n, v in self.headers if n.lower() == name]

    def tokens(self, name: str) -> set[str]:
        return {t.strip().lower() for v in self.values(name) for t in v.split(",")}

    @property
    def path(self) -> str:
        path = self.target.partition("?")[0]
        if not path.startswith("/") and "://" in path:  # absolute-form
            path = "/" + path.partition("://")[2].partition("/")[2]
        return unquote(path)

    def number(self, name: str, otherwise: int) -> int:
        """The number that the query gives for a name."""
        text = parse_qs(self.target.partition("?")[2]).get(name, [""])[0]
        return int(text) if text.isdecimal() else otherwise

    @property
    def keeps_alive(self) -> bool:
        if self.version == 0:
            return "keep-alive" in self.tokens("connection")
        return "close" not in self.tokens("connection")

    @property
    def expects_continue(self) -> bool:
        return self.version == 1 and "100-continue" in self.tokens("expect")

    @property
    def expects_more(self) -> bool:
        """Something else than 100."""
        return self.version == 1 and bool(self.tokens("expect") - {"100-continue"})


@dataclass(frozen=True, slots=True)
class Body:
    """What is remembered of a request's body."""

    length: int = 0
    sha256: str = hashlib.sha256(b"").hexdigest()
