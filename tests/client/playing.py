"""One script, played by a sync client, and by an async one under asyncio, uvloop and trio."""

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar, cast

import trio
import uvloop

from surehop import AsyncClient, Client, Request, Response

KINDS = ("sync", "asyncio", "uvloop", "trio")
T = TypeVar("T")
Call = Callable[[], Awaitable[Any]]


class Player:
    """A client of one kind, called in one way."""

    def __init__(self, kind: str, client: Client | AsyncClient) -> None:
        self.kind = kind
        self.client: Any = client
        self.is_async = kind != "sync"

    async def request(self, method: str, url: str, **options: Any) -> Response:
        return await self._done(self.client.request(method, url, **options))

    async def get(self, url: str, **options: Any) -> Response:
        return await self._done(self.client.get(url, **options))

    async def post(self, url: str, **options: Any) -> Response:
        return await self._done(self.client.post(url, **options))

    async def send(self, request: Request, **options: Any) -> Response:
        return await self._done(self.client.send(request, **options))

    @contextlib.asynccontextmanager
    async def stream(self, method: str, url: str, **options: Any) -> AsyncIterator[Response]:
        if self.is_async:
            async with self.client.stream(method, url, **options) as response:
                yield response
        else:
            with self.client.stream(method, url, **options) as response:
                yield response

    async def pieces(self, response: Response) -> AsyncGenerator[bytes, None]:
        if self.is_async:
            async with contextlib.aclosing(cast("Any", response.aiter_raw())) as raw:
                async for piece in raw:
                    yield piece
        else:
            for piece in response.iter_raw():
                yield piece

    async def read(self, response: Response) -> bytes:
        return await response.aread() if self.is_async else response.read()

    def hook(self, function: Callable[..., Any]) -> Callable[..., Any]:
        """A callable that is async where it may be."""
        if not self.is_async:
            return function

        async def hooked(*arguments: Any) -> Any:
            return function(*arguments)

        return hooked

    async def pause(self, seconds: float) -> None:
        if self.kind == "sync":
            time.sleep(seconds)  # noqa: ASYNC251  there is no loop
        elif self.kind == "trio":
            await trio.sleep(seconds)
        else:
            await asyncio.sleep(seconds)

    async def together(self, calls: Sequence[Call]) -> list[Any]:
        """All at once; what each gave, or raised."""
        if self.kind == "sync":
            with ThreadPoolExecutor(len(calls)) as pool:
                return list(pool.map(lambda call: _finish(_caught(call)), calls))
        if self.kind != "trio":
            return list(await asyncio.gather(*[_caught(call) for call in calls]))
        found: list[Any] = [None] * len(calls)

        async def one(at: int, call: Call) -> None:
            found[at] = await _caught(call)

        async with trio.open_nursery() as nursery:
            for at, call in enumerate(calls):
                nursery.start_soon(one, at, call)
        return found

    async def _done(self, response: Any) -> Response:
        found: Response = await response if self.is_async else response
        return found


def play(kind: str, script: Callable[[Player], Coroutine[Any, Any, T]], **options: Any) -> T:
    """Play a script with a client of a kind."""
    if kind == "sync":
        with Client(**options) as client:
            return _finish(script(Player(kind, client)))

    async def main() -> T:
        async with AsyncClient(**options) as client:
            return await script(Player(kind, client))

    if kind == "trio":
        return trio.run(main)
    return asyncio.run(main()) if kind == "asyncio" else uvloop.run(main())


async def _caught(call: Call) -> Any:
    try:
        return await call()
    except Exception as error:  # noqa: BLE001  it is looked at by who called
        return error


def _finish(script: Coroutine[Any, Any, T]) -> T:
    """A script of the sync client never waits for a loop."""
    try:
        script.send(None)
    except StopIteration as done:
        found: T = done.value
        return found
    raise AssertionError("the script waits for a loop, but has none")
