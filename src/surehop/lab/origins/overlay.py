"""Toxics that only an origin can have, as a behaviour laid over its own."""

from collections.abc import Iterable
from typing import Any

from surehop.lab.origins.behaviour import Behaviour
from surehop.lab.origins.faults import Fault
from surehop.lab.toxics import Toxic, ToxicError

_FAMILIES = {"ipv4": {"ipv4"}, "ipv6": {"ipv6"}, "both": {"ipv4", "ipv6"}, "none": set[str]()}
_NAMED = {frozenset(families): name for name, families in _FAMILIES.items()}


def laid_over(base: Behaviour, toxics: Iterable[Toxic]) -> Behaviour:
    """The base with what the toxics say; ToxicError where a value is none."""
    try:
        for toxic in toxics:
            base = base.changed(_changes(base, toxic))
    except ValueError as error:
        raise ToxicError(f"bad request body: {error}") from None
    return base


def _changes(base: Behaviour, toxic: Toxic) -> dict[str, Any]:
    given = toxic.attributes
    match toxic.type:
        case "keep_alive":
            return {
                "keepalive_timeout": given["timeout"] / 1000,
                "buffer": given["buffer"] / 1000,
                "idle_jitter": given["jitter"] / 1000,
                "idle_close": given["close"],
                "hint": given["hint"],
            }
        case "max_connections":
            return {"max_connections": given["connections"]}
        case "max_requests":
            return {"max_requests": given["requests"]}
        case "refuse":
            if given["family"] not in ("ipv4", "ipv6"):
                raise ValueError(f"`family` is ipv4 or ipv6, not `{given['family']}`")
            return {"listen": _NAMED[frozenset(_FAMILIES[base.listen] - {given["family"]})]}
        case kind if kind.startswith("http_"):
            return {"faults": (*base.faults, _fault(toxic))}
    return {}


def _fault(toxic: Toxic) -> Fault:
    given = dict(toxic.attributes)
    times = given.pop("times")
    values: dict[str, Any] = {name: given.pop(name, "") or None for name in ("path", "method")}
    if "duration" in given:
        values["seconds"] = given.pop("duration") / 1000
    values["times"] = None if times < 0 else times
    return Fault(toxic.type.removeprefix("http_"), share=toxic.toxicity, **values, **given)
