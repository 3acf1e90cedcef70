"""Toxics as data: toxiproxy's, and those that know HTTP and kept-alive connections."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

STREAMS = ("upstream", "downstream")

# What passes through a connection; times in milliseconds, `delay` of a slicer in microseconds.
FLOWS: Mapping[str, Mapping[str, Any]] = {
    "latency": {"latency": 0, "jitter": 0},
    "bandwidth": {"rate": 0},  # KB/s
    "slow_close": {"delay": 0},
    "timeout": {"timeout": 0},
    "reset_peer": {"timeout": 0},
    "slicer": {"average_size": 0, "size_variation": 0, "delay": 0},
    "limit_data": {"bytes": 0},
}
_MEETS: Mapping[str, Any] = {"nth": 0, "times": -1, "path": "", "method": "", "reused": False}
_ENDS: Mapping[str, Any] = {**_MEETS, "at": "request", "after": 0}
# What only an origin can do. `times` -1 is for ever, an empty path or method is any.
FAULTS: Mapping[str, Mapping[str, Any]] = {
    "http_fin": _ENDS,
    "http_rst": _ENDS,
    "http_hang": _ENDS,
    "http_unread": {"times": -1},
    "http_half_head": _MEETS,
    "http_half_body": _MEETS,
    "http_garbage": _MEETS,
    "http_two_lengths": _MEETS,
    "http_early_storm": {**_MEETS, "count": 100},
    "http_slow_head": {**_MEETS, "duration": 1000},
    "http_slow_body": {**_MEETS, "duration": 1000},
}
KNOBS: Mapping[str, Mapping[str, Any]] = {
    "keep_alive": {"timeout": 5000, "buffer": 0, "jitter": 0, "close": "fin", "hint": True},
    "max_connections": {"connections": 0},
    "max_requests": {"requests": 0},
    "refuse": {"family": "ipv6"},
}
TYPES: Mapping[str, Mapping[str, Any]] = {**FLOWS, **FAULTS, **KNOBS}


class ToxicError(Exception):
    """What was asked for can't be done; `status` is HTTP's."""

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Toxic:
    """One fault of a proxy. toxicity: of its connections (of requests: HTTP's own), 0 to 1."""

    name: str
    type: str
    stream: str = "downstream"
    toxicity: float = 1.0
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def made(cls, value: Mapping[str, Any]) -> Self:
        """A toxic out of JSON; ToxicError says what is wrong with it."""
        kind = value.get("type")
        stream = value.get("stream") or "downstream"
        if stream not in STREAMS:
            raise ToxicError("stream was invalid, can be either upstream or downstream")
        if not isinstance(kind, str) or kind not in TYPES:
            raise ToxicError(f"invalid toxic type: one of {', '.join(TYPES)}")
        name = value.get("name") or f"{kind}_{stream}"
        if not isinstance(name, str):
            raise ToxicError("bad request body: `name` is text")
        bare = cls(name, kind, stream, attributes=TYPES[kind])
        return bare.changed({k: value[k] for k in ("toxicity", "attributes") if k in value})

    def changed(self, value: Mapping[str, Any]) -> Self:
        """A copy with what is given of toxicity and attributes; the rest stays."""
        toxicity = value.get("toxicity", self.toxicity)
        if type(toxicity) not in (int, float) or not 0 <= toxicity <= 1:
            raise ToxicError(f"bad request body: `toxicity` is from 0 to 1, not `{toxicity}`")
        given = value.get("attributes") or {}
        if not isinstance(given, Mapping):
            raise ToxicError("bad request body: `attributes` is an object")
        known = TYPES[self.type]
        # As toxiproxy does, a name that a toxic does not have is passed over.
        taken = {name: _fitting(name, v, known[name]) for name, v in given.items() if name in known}
        attributes = {**self.attributes, **taken}
        return type(self)(self.name, self.type, self.stream, float(toxicity), attributes)

    def told(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)


def _fitting(name: str, value: Any, known: Any) -> Any:
    if type(value) is float and value.is_integer() and type(known) is int:
        value = int(value)
    if type(value) is not type(known):
        raise ToxicError(f"bad request body: `{value}` is not a value of `{name}`")
    if isinstance(value, int) and value < 0 and name != "times":
        raise ToxicError(f"bad request body: `{name}` can't be {value}")
    return value
