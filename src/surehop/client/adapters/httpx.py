"""`httpx.Client(transport=Transport(retries=3))`: httpx above, this client's connections below.

httpx does what it always does: redirects, cookies, auth, decoding. Retries, upstreams, proxies,
idle connections and what an error says are Surehop's.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from typing import Any, Self, Unpack

try:
    import httpx
except ImportError as error:
    raise ImportError(
        "`surehop.httpx` needs httpx\nhint: pip install 'surehop[httpx]'", name="httpx"
    ) from error

from surehop.client.adapters.options import TransportOptions, async_client, sync_client
from surehop.client.content import AsyncByteStream, Body, ByteStream, SyncByteStream
from surehop.client.exchange import run
from surehop.client.headers import Headers
from surehop.client.request import Request
from surehop.client.response import Response
from surehop.client.url import URL
from surehop.errors import ConnectionClosed, HTTPStatusError, InvalidURL, SurehopError

_WHOSE = "`httpx.Client`"


class Transport(httpx.BaseTransport):
    """For `httpx.Client`. Options as for `surehop.Client`, as far as they are a transport's.

    Errors are httpx's own classes with Surehop's sentence; `__cause__` is Surehop's error, with
    its `code`, `evidence` and `attempts`. The environment's proxies are used unless
    `trust_env=False`.
    """

    def __init__(self, **options: Unpack[TransportOptions]) -> None:
        self._client = sync_client(options, TransportOptions, _WHOSE)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        with _as_httpx(request):
            told = _read(request)
            response: Response = run(self._client._core.deliver(told, stream=True))  # noqa: SLF001
        return _response(response, _SyncBody(response, request))

    def stats(self) -> dict[str, Any]:
        """As `Client.stats`."""
        return self._client.stats()

    def close(self) -> None:
        self._client.close()

    def __enter__(self) -> Self:
        return self


class AsyncTransport(httpx.AsyncBaseTransport):
    """For `httpx.AsyncClient`, under asyncio and trio; otherwise as `Transport`."""

    def __init__(self, **options: Unpack[TransportOptions]) -> None:
        self._client = async_client(options, TransportOptions, _WHOSE)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        with _as_httpx(request):
            response = await self._client._core.deliver(_read(request), stream=True)  # noqa: SLF001
        return _response(response, _AsyncBody(response, request))

    def stats(self) -> dict[str, Any]:
        """As `Client.stats`."""
        return self._client.stats()

    async def aclose(self) -> None:
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self


class _SyncUpload(SyncByteStream):
    def __init__(self, source: httpx.SyncByteStream) -> None:
        self._source = source

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._source)


class _AsyncUpload(AsyncByteStream):
    def __init__(self, source: httpx.AsyncByteStream) -> None:
        self._source = source

    def __aiter__(self) -> AsyncIterator[bytes]:
        return aiter(self._source)


class _SyncBody(httpx.SyncByteStream):
    def __init__(self, response: Response, request: httpx.Request) -> None:
        self._response = response
        self._request = request

    def __iter__(self) -> Iterator[bytes]:
        with _as_httpx(self._request):
            yield from self._response.stream

    def close(self) -> None:
        self._response.close()


class _AsyncBody(httpx.AsyncByteStream):
    def __init__(self, response: Response, request: httpx.Request) -> None:
        self._response = response
        self._request = request

    async def __aiter__(self) -> AsyncIterator[bytes]:
        with _as_httpx(self._request):
            async for chunk in self._response.stream:
                yield chunk

    async def aclose(self) -> None:
        await self._response.aclose()


def _read(request: httpx.Request) -> Request:
    return Request.of_parts(
        request.method,
        URL(str(request.url)),
        Headers(request.headers.raw),
        _body(request),
        dict(request.extensions),
    )


def _body(request: httpx.Request) -> Body:
    """In memory it can be sent again; as a stream it comes once."""
    try:
        return ByteStream(request.content)
    except httpx.RequestNotRead:
        source = request.stream
    if isinstance(source, httpx.AsyncByteStream) and not isinstance(source, httpx.SyncByteStream):
        return _AsyncUpload(source)
    if isinstance(source, httpx.SyncByteStream):
        return _SyncUpload(source)
    raise TypeError(f"a request's stream is one of httpx's, not `{source!r}`")


def _response(response: Response, stream: _SyncBody | _AsyncBody) -> httpx.Response:
    return httpx.Response(
        response.status_code,
        headers=response.headers.raw,
        stream=stream,
        extensions=dict(response.extensions),
    )


@contextmanager
def _as_httpx(request: httpx.Request) -> Iterator[None]:
    try:
        yield
    except SurehopError as error:
        raise _told(error, request) from error


def _told(error: SurehopError, request: httpx.Request) -> Exception:
    """httpx's exception for one of ours: of the same name, or of the nearest that it has."""
    said = str(error)
    if isinstance(error, HTTPStatusError):
        response = httpx.Response(
            error.response.status_code, headers=error.response.headers.raw, request=request
        )
        return httpx.HTTPStatusError(said, request=request, response=response)
    if isinstance(error, InvalidURL):
        return httpx.InvalidURL(said)
    kind = _kind(error)
    return kind(said, request=request)


def _kind(error: SurehopError) -> type[httpx.RequestError]:
    if isinstance(error, ConnectionClosed):
        # httpx calls the one so, the other so.
        was_reset = error.evidence is not None and error.evidence.closed == "RST"
        return httpx.ReadError if was_reset else httpx.RemoteProtocolError
    for kind in type(error).__mro__:
        found = getattr(httpx, kind.__name__, None)
        if isinstance(found, type) and issubclass(found, httpx.RequestError):
            return found
    return httpx.RequestError
