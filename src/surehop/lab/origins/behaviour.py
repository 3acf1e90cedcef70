"""What an origin does, as plain data: how it keeps connections, and how it fails on purpose."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from surehop.lab.origins.faults import Fault
from surehop.lab.origins.profiles import PROFILES, Manner

_TYPE_NAMES = {bool: "true or false", int: "a whole number", float: "a number", str: "text"}
LISTEN = ("ipv4", "ipv6", "both", "none")
CLOSES = ("fin", "rst")


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Everything that can be changed while an origin runs. Times are seconds."""

    profile: str = "plain"
    listen: str = "ipv4"
    backlog: int = 512  # of listeners opened from now on
    keepalive_timeout: float = 5.0  # after a finished response; 0: never closed, no hint
    buffer: float = 0.0  # closes at keepalive_timeout + buffer, as newer Node does
    idle_jitter: float = 0.0  # … give or take so much
    hint: bool = True  # says `Keep-Alive: timeout=…`
    idle_close: str = "fin"
    max_connections: int = 0  # more are accepted and closed at once; 0: no limit
    turn_away: bool = False  # all of them, as Node 26 does with a limit of 0
    max_requests: int = 0  # a connection; 0: no limit
    head_timeout: float = 0.0  # for a request's head, from its first byte; 0: never
    request_timeout: float = 0.0  # for the whole request
    check_interval: float = 0.0  # both are looked at so often; 0: at the instant
    delay: float = 0.0  # before each answer
    status: int = 200
    body: int = 3  # bytes
    http10: bool = False  # answers HTTP/1.0 without a length, and closes
    seed: int = 0  # of all that is left to chance
    faults: tuple[Fault, ...] = ()

    @property
    def manner(self) -> Manner:
        return PROFILES[self.profile].manner

    @property
    def closes_always(self) -> bool:
        """Every connection ends behind its first answer."""
        return self.http10 or (not self.keepalive_timeout and self.manner.zero_closes)

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """A copy with these fields changed; ValueError names the one that is wrong.

        A `profile` sets all of them anew, as that server has them, before the others are changed.
        """
        checked = {name: self._checked(name, value) for name, value in changes.items()}
        if "profile" in checked:
            return type(self)(**{**PROFILES[checked["profile"]].knobs, **checked})
        return replace(self, **checked)

    def _checked(self, name: str, value: Any) -> Any:
        if name not in type(self).__slots__:
            raise ValueError(f"an origin has no `{name}`")
        if name == "faults":
            return tuple(Fault.made(v) for v in value)
        choices = {"listen": LISTEN, "idle_close": CLOSES, "profile": tuple(PROFILES)}.get(name)
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
