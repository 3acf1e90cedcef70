"""Faults: the ways in which an origin fails, where in an exchange, and on which requests."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self, get_args

KINDS = (
    "fin",
    "rst",
    "hang",
    "unread",
    "half_head",
    "half_body",
    "garbage",
    "two_lengths",
    "early_storm",
    "slow_head",
    "slow_body",
)
POINTS = ("accept", "bytes", "request", "head", "body")
# Which kinds can be had elsewhere than on receipt of a request.
_ENDS = ("fin", "rst", "hang")
_BLIND = ("accept", "bytes")  # nothing of the request has been understood there


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail, and which requests it meets.

    kind: `fin` and `rst` close, `hang` goes on no further until the client goes, `unread` accepts
    and never reads, `half_head` and `half_body` stop in the middle and close by FIN, `garbage` is
    not HTTP, `two_lengths` says two Content-Length, `early_storm` sends `count` answers 103 before
    the real one, `slow_head` and `slow_body` take `seconds` over that part of the answer.
    at: where `fin`, `rst` and `hang` happen: on `accept`, when `after` `bytes` of the request have
    come, on receipt of the whole `request`, after the answer's `head`, or when `after` bytes of
    its `body` are sent (0: half of them).
    nth: the n-th request of a connection, counted from 1; 0 is any.
    times: how often, None is for ever. share: of those that it would meet, from 0 to 1.
    reused: not the first request of a connection. path, method: exactly these; None is any.
    """

    kind: str
    nth: int = 0
    times: int | None = None
    path: str | None = None
    method: str | None = None
    reused: bool = False
    at: str = "request"
    share: float = 1.0
    after: int = 0
    seconds: float = 1.0
    count: int = 100

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault `{self.kind}`\nhint: one of {', '.join(KINDS)}")
        for name, accepts in _TYPES.items():
            value = getattr(self, name)
            known = type(value) in accepts or (float in accepts and type(value) is int)
            if not known or (isinstance(value, (int, float)) and value < 0):
                raise ValueError(f"`{value}` is not a value of a fault's `{name}`")
        if self.at not in POINTS:
            raise ValueError(f"no point `{self.at}`\nhint: `at` is one of {', '.join(POINTS)}")
        if self.at != "request" and self.kind not in (*_ENDS, "unread"):
            raise ValueError(
                f"`{self.kind}` has a place of its own, so no `at`\n"
                f"hint: `at` is for {', '.join(_ENDS)}"
            )
        if self.share > 1:
            raise ValueError(f"`share` is a part of the requests, from 0 to 1, not `{self.share}`")
        if self.point in _BLIND and (self.path is not None or self.method is not None):
            raise ValueError(f"at `{self.point}` neither `path` nor `method` is known yet")

    @property
    def point(self) -> str:
        """Where it happens; `unread` is decided on accept."""
        return "accept" if self.kind == "unread" else self.at

    def meets(self, nth: int, method: str | None = None, path: str | None = None) -> bool:
        """Whether it is for this request; None stands for what is not known yet."""
        return (
            self.nth in (0, nth)
            and (nth > 1 or not self.reused)
            and self.path in (None, path)
            and self.method in (None, method)
        )

    @classmethod
    def parse(cls, text: str) -> Self:
        """`rst,nth=2,times=1,path=/x,reused`, as the flag `--fault` has it."""
        kind, *options = text.split(",")
        values: dict[str, Any] = {"kind": kind}
        for option in options:
            name, _, value = option.partition("=")
            if name not in _TYPES:
                raise ValueError(f"no option `{name}` of a fault\nhint: one of {', '.join(_TYPES)}")
            values[name] = _read(name, value)
        return cls(**values)

    @classmethod
    def made(cls, value: Any) -> "Fault":
        """A fault out of text, or of a mapping as JSON has it."""
        if isinstance(value, Fault):
            return value
        if isinstance(value, str):
            return cls.parse(value)
        if not isinstance(value, Mapping):
            raise ValueError(f"`{value}` is no fault")  # noqa: TRY004  one error type for bad values
        try:
            return cls(**value)
        except TypeError:
            raise ValueError(f"`{dict(value)}` is no fault") from None


def _read(name: str, value: str) -> Any:
    accepts = _TYPES[name]
    try:
        if bool in accepts:
            return value in ("", "true")
        if int in accepts:
            return int(value)
        return float(value) if float in accepts else value
    except ValueError:
        raise ValueError(f"`{value}` is not a value of a fault's `{name}`") from None


_TYPES: dict[str, tuple[type, ...]] = {
    f.name: get_args(f.type) or (f.type,) for f in fields(Fault) if f.name != "kind"
}
