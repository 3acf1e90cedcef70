"""What an origin does, as plain data: how it keeps connections, and how it fails on purpose."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any, Self, get_args

_TYPE_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
LISTEN = ("ipv4", "ipv6", "both", "none")
CLOSES = ("fin", "rst")
KINDS = ("fin", "rst", "hang", "half_head", "half_body", "garbage")


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail, and which requests it meets.

    kind: `fin` and `rst` close on receipt of the request, `hang` answers nothing until the client
    goes, `half_head` and `half_body` stop in the middle and close by FIN, `garbage` is not HTTP.
    nth: the n-th request of a connection, counted from 1; 0 is any.
    times: how often, None is for ever. reused: not the first request of a connection.
    path, method: exactly these; None is any.
    """

    kind: str
    nth: int = 0
    times: int | None = None
    path: str | None = None
    method: str | None = None
    reused: bool = False

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"no fault `{self.kind}`\nhint: one of {', '.join(KINDS)}")
        for name, accepts in _FAULT_TYPES.items():
            value = getattr(self, name)
            if type(value) not in accepts or (isinstance(value, int) and value < 0):
                raise ValueError(f"`{value}` is not a value of a fault's `{name}`")

    def meets(self, nth: int, method: str, path: str) -> bool:
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
            if name not in _FAULT_TYPES:
                raise ValueError(f"no option `{name}` of a fault")
            if name == "reused":
                values[name] = value in ("", "true")
            elif name in ("nth", "times"):
                values[name] = int(value)
            else:
                values[name] = value
        return cls(**values)


_FAULT_TYPES: dict[str, tuple[type, ...]] = {
    f.name: get_args(f.type) or (f.type,) for f in fields(Fault) if f.name != "kind"
}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Everything that can be changed while an origin runs. Times are seconds."""

    listen: str = "ipv4"
    keepalive_timeout: float = 5.0  # after a finished response; 0: never closed, no hint
    buffer: float = 0.0  # closes at keepalive_timeout + buffer, as newer Node does
    hint: bool = True  # says `Keep-Alive: timeout=…`
    idle_close: str = "fin"
    max_connections: int = 0  # more are accepted and closed at once; 0: no limit
    max_requests: int = 0  # a connection; 0: no limit
    delay: float = 0.0  # before each answer
    status: int = 200
    body: int = 3  # bytes
    http10: bool = False  # answers HTTP/1.0 without a length, and closes
    faults: tuple[Fault, ...] = ()

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """A copy with these fields changed; ValueError names the one that is wrong."""
        checked = {name: self._checked(name, value) for name, value in changes.items()}
        return replace(self, **checked)

    def _checked(self, name: str, value: Any) -> Any:
        if name not in type(self).__slots__:
            raise ValueError(f"an origin has no `{name}`")
        if name == "faults":
            return tuple(v if isinstance(v, Fault) else _fault(v) for v in value)
        choices = {"listen": LISTEN, "idle_close": CLOSES}.get(name)
        if choices and value not in choices:
            raise ValueError(f"`{name}` is one of {', '.join(choices)}, not `{value}`")
        wanted = type(getattr(self, name))
        if wanted is float and type(value) is int:
            value = float(value)
        if type(value) is not wanted:
            raise ValueError(f"`{name}` is {_TYPE_NAMES[wanted]}, not `{value}`")
        if isinstance(value, (int, float)) and value < 0:
            raise ValueError(f"`{name}` can't be {value}")
        return value


def _fault(value: Any) -> Fault:
    if isinstance(value, str):
        return Fault.parse(value)
    if not isinstance(value, Mapping):
        raise ValueError(f"`{value}` is no fault")  # noqa: TRY004  one error type for bad values
    try:
        return Fault(**value)
    except TypeError:
        raise ValueError(f"`{dict(value)}` is no fault") from None
