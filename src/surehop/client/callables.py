"""Users' callables: called, awaited where that is possible, and held to what they must return."""

import inspect
from collections.abc import Callable
from typing import Any


async def call(client_is_async: bool, function: Callable[..., Any], *arguments: Any) -> Any:
    """What it returns; in an `AsyncClient` it may be async. TypeError names it otherwise."""
    value = function(*arguments)
    if not inspect.isawaitable(value):
        return value
    if client_is_async:
        return await value
    if inspect.iscoroutine(value):
        value.close()
    raise TypeError(
        f"`{name_of(function)}` is async, but the client is not\nhint: `AsyncClient` awaits it"
    )


async def call_for(
    client_is_async: bool,
    kind: type | tuple[type, ...],
    wanted: str,
    function: Callable[..., Any],
    *arguments: Any,
) -> Any:
    """As `call`, but what it returns must be of a kind. TypeError names who returned what."""
    value = await call(client_is_async, function, *arguments)
    if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
        raise TypeError(f"`{name_of(function)}` returned `{value!r}`, but {wanted} is needed")
    return value


def name_of(function: Callable[..., Any]) -> str:
    name: str = getattr(function, "__qualname__", "") or type(function).__qualname__
    return name
