"""One try at an upstream: the record that logs, metrics, errors and findings are views of."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from surehop.events.words import Cause, Family, Phase, Reason, Rule, Verdict

_T = TypeVar("_T", str, bool, int)
_MAYBE_NUMBERS = ("requests", "hint_ms", "status", "connect_ms", "head_ms", "took_ms", "after_ms")
_MAYBE_TEXTS = ("local", "remote", "closed")


@dataclass(frozen=True, slots=True)
class AddressResult:
    """One address that was tried for a connection. `result` is `ok`, or a word of `Cause`."""

    address: str
    family: Family | None
    result: str
    errno: int | None
    took_ms: int

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        return cls(
            address=_typed(record["address"], str),
            family=None if record["family"] is None else Family(record["family"]),
            result=_typed(record["result"], str),
            errno=_typed(record["errno"], int) if record["errno"] else None,
            took_ms=_typed(record["took_ms"], int),
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """Fields as in `$upstream_attempts`, and what only the client knows.

    `address` is the peer's, or the group's name where no peer could be chosen (`family` is None
    then). `age_ms` and `idle_ms` tell how old the connection was and how long it had rested before
    this request. Bytes are those that the kernel took, and those received, headers included.
    `errno` is None where the system named no error.

    The client's own, None elsewhere: `requests` is how many the connection had carried before,
    `hint_ms` the server's last `Keep-Alive: timeout=` on it, `connect_ms` and `head_ms` the time
    until the connection stood and until the response's head was there, `took_ms` until the end,
    `after_ms` how long after the request's first attempt this one began, `closed` is `fin` or
    `rst`, `addresses` what was tried for a new connection.
    """

    address: str
    family: Family | None
    reused: bool
    age_ms: int
    idle_ms: int
    bytes_sent: int
    bytes_received: int
    errno: int | None
    phase: Phase
    cause: Cause | None
    reason: Reason
    verdict: Verdict
    rule: Rule
    requests: int | None = None
    hint_ms: int | None = None
    status: int | None = None
    connect_ms: int | None = None
    head_ms: int | None = None
    took_ms: int | None = None
    after_ms: int | None = None
    local: str | None = None
    remote: str | None = None
    closed: str | None = None
    addresses: tuple[AddressResult, ...] = ()

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read one object of `$upstream_attempts`. Raises ValueError; other fields are ignored."""
        try:
            return cls(
                address=_typed(record["address"], str),
                family=None if record["family"] is None else Family(record["family"]),
                reused=_typed(record["reused"], bool),
                age_ms=_typed(record["age_ms"], int),
                idle_ms=_typed(record["idle_ms"], int),
                bytes_sent=_typed(record["bytes_sent"], int),
                bytes_received=_typed(record["bytes_received"], int),
                errno=_typed(record["errno"], int) if record["errno"] else None,
                phase=Phase(record["phase"]),
                cause=None if record["cause"] is None else Cause(record["cause"]),
                reason=Reason(record["reason"]),
                verdict=Verdict(record["verdict"]),
                rule=Rule(record["rule"]),
                addresses=tuple(map(AddressResult.from_json, record.get("addresses") or ())),
                **{name: _maybe(record, name, int) for name in _MAYBE_NUMBERS},
                **{name: _maybe(record, name, str) for name in _MAYBE_TEXTS},
            )
        except KeyError as error:
            raise ValueError(f"an attempt lacks `{error.args[0]}`") from None


def attempts_from_json(text: str) -> tuple[Attempt, ...]:
    """Read the whole of `$upstream_attempts`; `-` and an empty text are no attempt."""
    if text in {"", "-"}:
        return ()
    records = json.loads(text)
    if not isinstance(records, list) or not all(isinstance(record, dict) for record in records):
        raise ValueError("`$upstream_attempts` is a list of objects")
    return tuple(Attempt.from_json(record) for record in records)


def _maybe(record: Mapping[str, Any], name: str, kind: type[_T]) -> Any:
    value = record.get(name)
    return None if value is None else _typed(value, kind)


def _typed(value: Any, kind: type[_T]) -> _T:
    if type(value) is not kind:
        raise ValueError(f"`{value!r}` in an attempt is no {kind.__name__}")
    return value
