"""What a row of the directive table is, and the short forms in which rows are written."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from surehop.conf import units, values
from surehop.conf.scope import Context, Reader

MANY = 1 << 30


class Inherit(StrEnum):
    """How a block takes over what an outer block says."""

    OWN = "own"  # not at all
    NEAREST = "nearest"  # the nearest block that says it; a repeatable one all or nothing


class Status(StrEnum):
    WORKS = "works"
    ACCEPTED = "accepted"  # read and checked, without effect
    OURS = "surehop's own"  # may also stand in a `# surehop: …;` comment


@dataclass(frozen=True, slots=True)
class Directive:
    """`arity` is how many words may follow the name; `default` is a read value."""

    name: str
    contexts: frozenset[Context]
    arity: tuple[int, int]
    read: Reader
    default: Any = None
    inherit: Inherit = Inherit.NEAREST
    status: Status = Status.WORKS
    block: Context | None = None
    repeatable: bool = False


M, E, H, S, L, U, SI, LI, LX = (
    frozenset({c})
    for c in (
        Context.MAIN,
        Context.EVENTS,
        Context.HTTP,
        Context.SERVER,
        Context.LOCATION,
        Context.UPSTREAM,
        Context.SERVER_IF,
        Context.LOCATION_IF,
        Context.LIMIT_EXCEPT,
    )
)
HSL = H | S | L
REWRITES = S | L | SI | LI
OWN, ACCEPTED, OURS = Inherit.OWN, Status.ACCEPTED, Status.OURS


def row(
    name: str,
    contexts: frozenset[Context],
    arity: int | tuple[int, int],
    read: Reader,
    default: Any = None,
    **more: Any,
) -> Directive:
    low, high = (arity, arity) if isinstance(arity, int) else arity
    return Directive(name, contexts, (low, high), read, default, **more)


def block(
    name: str, contexts: frozenset[Context], arity: Any, inner: Context, read: Reader
) -> Directive:
    repeatable = inner not in {Context.EVENTS, Context.HTTP, Context.LIMIT_EXCEPT}
    return row(name, contexts, arity, read, inherit=OWN, block=inner, repeatable=repeatable)


def ms_rows(names: str, contexts: frozenset[Context], default: int, **more: Any) -> list[Directive]:
    read = values.one(units.milliseconds)
    return [row(name, contexts, 1, read, default, **more) for name in names.split()]


def accepted(
    names: str, contexts: frozenset[Context], read: Reader, arity: Any = 1, **more: Any
) -> list[Directive]:
    return [row(name, contexts, arity, read, status=ACCEPTED, **more) for name in names.split()]
