"""Interceptors as in axios: code that runs on every request and on every response.

Request interceptors run last added first, response interceptors first added first. Each has a
`fulfilled`, called with what the one before gave, and may have a `rejected`, called with what an
earlier one, or the request itself, raised; what it returns ends the error. A retry runs none of
them again.
"""

import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeAlias, TypeVar

from surehop.client.callables import call, call_for
from surehop.client.request import Request
from surehop.client.response import Response

_T = TypeVar("_T")
Fulfilled: TypeAlias = Callable[[_T], _T | Awaitable[_T]]
Rejected: TypeAlias = Callable[[Exception], _T | Awaitable[_T]]
RunWhen: TypeAlias = Callable[[Request], bool | Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Interceptor(Generic[_T]):
    number: int
    fulfilled: Fulfilled[_T] | None
    rejected: Rejected[_T] | None
    run_when: RunWhen | None


class Row(Generic[_T]):
    """The interceptors of one side."""

    def __init__(self, *, newest_first: bool) -> None:
        self._newest_first = newest_first
        self._numbers = itertools.count()
        self._row: tuple[Interceptor[_T], ...] = ()  # replaced, never changed: threads share it

    def use(
        self,
        fulfilled: Fulfilled[_T] | None = None,
        rejected: Rejected[_T] | None = None,
        *,
        run_when: RunWhen | None = None,
    ) -> int:
        """Add one; the number takes it away again. `run_when(request)` False leaves it out."""
        named = {"fulfilled": fulfilled, "rejected": rejected, "run_when": run_when}
        for name, function in named.items():
            if function is not None and not callable(function):
                raise TypeError(f"`{name}` of an interceptor is called, `{function!r}` can't be")
        added = Interceptor(next(self._numbers), fulfilled, rejected, run_when)
        self._row = (added, *self._row) if self._newest_first else (*self._row, added)
        return added.number

    def eject(self, number: int) -> None:
        """Take one away; nothing happens if it is not there."""
        self._row = tuple(kept for kept in self._row if kept.number != number)

    def clear(self) -> None:
        self._row = ()

    def __len__(self) -> int:
        return len(self._row)

    def __bool__(self) -> bool:
        return bool(self._row)

    async def chosen(self, client_is_async: bool, request: Request) -> list[Interceptor[_T]]:
        """Those that run for a request, in order."""
        return [
            one
            for one in self._row
            if one.run_when is None
            or await call_for(client_is_async, bool, "a bool", one.run_when, request)
        ]


class Interceptors:
    """A client's: `request` and `response`."""

    def __init__(self) -> None:
        self.request: Row[Request] = Row(newest_first=True)
        self.response: Row[Response] = Row(newest_first=False)

    def __bool__(self) -> bool:
        return bool(self.request or self.response)


async def run(
    client_is_async: bool,
    row: list[Interceptor[_T]],
    kind: type[_T],
    begun: Any,
) -> tuple[_T | None, Exception | None]:
    """Send a value, or an error, along a row; give what comes out of its end."""
    value, error = (None, begun) if isinstance(begun, Exception) else (begun, None)
    for one in row:
        step: Callable[[Any], Any] | None = one.fulfilled if error is None else one.rejected
        if step is None:
            continue
        argument = value if error is None else error
        try:
            found = await call(client_is_async, step, argument)
            value, error = _checked(kind, step, found), None
        except Exception as raised:  # noqa: BLE001  it goes to the next one that takes errors
            if error is not None and raised is not error and raised.__context__ is None:
                raised.__context__ = error
            value, error = None, raised
    return value, error


def _checked(kind: type[_T], step: Callable[..., Any], found: object) -> _T:
    if not isinstance(found, kind):
        name = getattr(step, "__qualname__", type(step).__qualname__)
        raise TypeError(
            f"the interceptor `{name}` returned `{found!r}`, but a `{kind.__name__}` is needed\n"
            f"hint: return what it was given, or raise"
        )
    return found
