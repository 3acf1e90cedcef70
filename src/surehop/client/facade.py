"""`Client` and `AsyncClient`: the verbs, written once."""

from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from types import TracebackType
from typing import Any, Generic, Self, TypeVar, Unpack

from surehop.client.base import BaseClient, Construction, Options, Sending
from surehop.client.exchange import run
from surehop.client.hosts.here import LoopHosts, ThreadHosts
from surehop.client.request import Request
from surehop.client.response import Response
from surehop.client.url import URL

R = TypeVar("R")


class Verbs(Generic[R]):
    """Each gives a response, or what is awaited for one."""

    def request(self, method: str, url: URL | str, **options: Unpack[Options]) -> R:
        raise NotImplementedError

    def get(self, url: URL | str, **options: Unpack[Options]) -> R:
        return self.request("GET", url, **options)

    def head(self, url: URL | str, **options: Unpack[Options]) -> R:
        return self.request("HEAD", url, **options)

    def options(self, url: URL | str, **options: Unpack[Options]) -> R:
        return self.request("OPTIONS", url, **options)

    def delete(self, url: URL | str, **options: Unpack[Options]) -> R:
        return self.request("DELETE", url, **options)

    def post(self, url: URL | str, **options: Unpack[Options]) -> R:
        return self.request("POST", url, **options)

    def put(self, url: URL | str, **options: Unpack[Options]) -> R:
        return self.request("PUT", url, **options)

    def patch(self, url: URL | str, **options: Unpack[Options]) -> R:
        return self.request("PATCH", url, **options)


class Client(BaseClient, Verbs[Response]):
    """A client for threads: one may be shared by many.

    Options as httpx names them; times are seconds. `retries` and `retry` say when a request goes
    again, `upstreams` gives several servers one name, `uds` is the path of a unix socket.
    """

    def __init__(self, **options: Unpack[Construction]) -> None:
        super().__init__(ThreadHosts(), options)

    def request(self, method: str, url: URL | str, **options: Unpack[Options]) -> Response:
        response: Response = run(self._core.request(method.upper(), url, {**options}))
        return response

    def get(self, url: URL | str, **options: Unpack[Options]) -> Response:
        response: Response = run(self._core.request("GET", url, options))  # type: ignore[arg-type]
        return response

    def send(
        self,
        request: Request,
        *,
        stream: bool = False,
        **options: Unpack[Sending],
    ) -> Response:
        """Send a request that was built; with `stream` its response is read as you like."""
        response: Response = run(self._core.send(request, stream=stream, **options))
        return response

    @contextmanager
    def stream(self, method: str, url: URL | str, **options: Unpack[Options]) -> Iterator[Response]:
        """A response whose body is read piece by piece, and given up at the end of the block."""
        told = {**options, "stream": True}
        response: Response = run(self._core.request(method.upper(), url, told))
        try:
            yield response
        finally:
            response.close()

    def close(self) -> None:
        """Give up what is under way, and close all connections."""
        self._close()

    def __enter__(self) -> Self:
        self._enter()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncClient(BaseClient, Verbs[Coroutine[Any, Any, Response]]):
    """A client for tasks, under asyncio (uvloop too) and trio. Options as for `Client`."""

    def __init__(self, **options: Unpack[Construction]) -> None:
        super().__init__(LoopHosts(), options)

    def request(
        self, method: str, url: URL | str, **options: Unpack[Options]
    ) -> Coroutine[Any, Any, Response]:
        return self._core.request(method.upper(), url, {**options})

    def get(self, url: URL | str, **options: Unpack[Options]) -> Coroutine[Any, Any, Response]:
        return self._core.request("GET", url, options)  # type: ignore[arg-type]

    def send(
        self,
        request: Request,
        *,
        stream: bool = False,
        **options: Unpack[Sending],
    ) -> Coroutine[Any, Any, Response]:
        """Send a request that was built; with `stream` its response is read as you like."""
        return self._core.send(request, stream=stream, **options)

    @asynccontextmanager
    async def stream(
        self, method: str, url: URL | str, **options: Unpack[Options]
    ) -> AsyncIterator[Response]:
        """A response whose body is read piece by piece, and given up at the end of the block."""
        told = {**options, "stream": True}
        response = await self._core.request(method.upper(), url, told)
        try:
            yield response
        finally:
            await response.aclose()

    async def aclose(self) -> None:
        """Give up what is under way, and close all connections."""
        self._close()

    async def __aenter__(self) -> Self:
        self._enter()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.aclose()
