"""`session.mount("https://", Adapter(retries=3))`: requests above, this client's connections below.

requests does what it always does: redirects, cookies, auth, decoding. Retries, upstreams, idle
connections and what an error says are Surehop's.
"""

import io
import threading
from collections.abc import Callable, Iterator, Mapping
from email.message import Message
from typing import Any, Unpack

try:
    import requests
    from requests import exceptions
    from requests.adapters import BaseAdapter
    from requests.cookies import extract_cookies_to_jar
    from requests.structures import CaseInsensitiveDict
    from requests.utils import get_encoding_from_headers, prepend_scheme_if_needed, select_proxy
except ImportError as error:
    raise ImportError(
        "`surehop.requests` needs requests\nhint: pip install 'surehop[requests]'", name="requests"
    ) from error

from urllib3 import HTTPHeaderDict, HTTPResponse

from surehop import errors
from surehop.client.adapters.options import PoolOptions, checked
from surehop.client.base import Construction
from surehop.client.content import CHUNK, EMPTY, Body, encode_content
from surehop.client.exchange import run
from surehop.client.facade import Client
from surehop.client.headers import Headers
from surehop.client.request import Request
from surehop.client.response import Response
from surehop.client.url import URL
from surehop.events import Phase

_VERSIONS = {"HTTP/1.0": 10, "HTTP/1.1": 11}
# The first that fits. Where requests has no name for it, the nearest above.
_KINDS: tuple[tuple[type[errors.SurehopError], type[requests.RequestException]], ...] = (
    (errors.InvalidURL, exceptions.InvalidURL),
    (errors.UnsupportedProtocol, exceptions.InvalidSchema),
    (errors.ConnectTimeout, exceptions.ConnectTimeout),
    (errors.PoolTimeout, exceptions.ConnectionError),
    (errors.ReadTimeout, exceptions.ReadTimeout),
    (errors.TimeoutException, exceptions.Timeout),
    (errors.TLSError, exceptions.SSLError),
    (errors.ProxyError, exceptions.ProxyError),
    (errors.LocalProtocolError, exceptions.InvalidHeader),
    (errors.TransportError, exceptions.ConnectionError),
)


class Adapter(BaseAdapter):
    """For `session.mount`. Options as for `surehop.Client`, as far as they are an adapter's.

    `verify`, `cert`, `proxies`, `timeout` and `stream` are said to requests. Errors are requests'
    own classes with Surehop's sentence; `__cause__` is Surehop's error, with its `code`, `evidence`
    and `attempts`. `verify=True` trusts what the system trusts.
    """

    def __init__(self, **options: Unpack[PoolOptions]) -> None:
        super().__init__()
        self.__setstate__({**options})

    def send(  # noqa: PLR0917  as requests calls it
        self,
        request: requests.PreparedRequest,
        stream: bool = False,
        timeout: Any = None,
        verify: Any = True,
        cert: Any = None,
        proxies: Mapping[str, str] | None = None,
    ) -> requests.Response:
        client = self._client(verify, cert, _proxy(request, proxies))
        try:
            told = _read(request, timeout)
            response: Response = run(client._core.deliver(told, stream=stream))  # noqa: SLF001
        except errors.HTTPStatusError as error:
            refused = self._response(request, error.response, stream=False)
            raise exceptions.HTTPError(str(error), request=request, response=refused) from error
        except errors.SurehopError as error:
            raise _told(error, request) from error
        return self._response(request, response, stream=stream)

    def stats(self) -> list[dict[str, Any]]:
        """As `Client.stats`, for each way to verify and each proxy that there was."""
        with self._lock:
            return [client.stats() for client in self._clients.values()]

    def close(self) -> None:
        with self._lock:
            clients = list(self._clients.values())
            self._clients.clear()
        for client in clients:
            client.close()

    def __getstate__(self) -> dict[str, Any]:
        """A pickled session takes the options along, not the connections."""
        return dict(self._options)

    def __setstate__(self, options: dict[str, Any]) -> None:
        self._options = checked(options, PoolOptions, "the session")
        self._clients: dict[Any, Client] = {}
        self._lock = threading.Lock()

    def _client(self, verify: Any, cert: Any, proxy: str | None) -> Client:
        """Connections are shared by those alone who trust the same and go the same way."""
        key = (verify, tuple(cert) if isinstance(cert, list) else cert, proxy)
        with self._lock:
            client = self._clients.get(key)
            if client is None:
                told: Construction = {
                    **self._options,
                    "verify": verify,
                    "cert": key[1],
                    "proxy": proxy,
                    "trust_env": False,
                }
                client = self._clients[key] = Client(**told)
            return client

    def _response(
        self, request: requests.PreparedRequest, response: Response, *, stream: bool
    ) -> requests.Response:
        made = _Response()
        made.status_code = response.status_code
        raw = _raw(response, stream=stream)
        made.headers = CaseInsensitiveDict(raw.headers)
        made.encoding = get_encoding_from_headers(made.headers)
        made.raw = raw
        made.reason = response.reason_phrase
        made.url = request.url or ""
        made.request = request
        extract_cookies_to_jar(made.cookies, request, raw)
        setattr(made, "connection", self)  # noqa: B010  typed as its own adapter
        return made


class _Response(requests.Response):
    """As it is, but that its errors are told."""

    def iter_content(self, *arguments: Any, **options: Any) -> Iterator[Any]:
        return self._told(super().iter_content(*arguments, **options))

    def _told(self, chunks: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from chunks
        except errors.SurehopError as error:
            raise _told(error, self.request) from error


class _File(io.RawIOBase):
    """The rest of an answer, as a file for urllib3 to decode."""

    def __init__(self, response: Response, *, stream: bool) -> None:
        self._response = response
        self._chunks: Iterator[bytes] = iter(response.stream if stream else [response.content])
        self._left = memoryview(b"")
        self._over = False

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._left:
            self._left = memoryview(next(self._chunks, b""))
        self._over = not self._left
        count = min(len(buffer), len(self._left))
        buffer[:count] = self._left[:count]
        self._left = self._left[count:]
        return count

    def isclosed(self) -> bool:
        """As http.client says it: also at the end, by which urllib3 knows that there is no more."""
        return self._over or self.closed

    def close(self) -> None:
        if not self.closed:
            self._response.close()
        super().close()


class _Original:
    """What of http.client's response is looked at: the headers, for cookies."""

    def __init__(self, response: Response) -> None:
        self.msg = Message()
        for name, value in response.headers.multi_items():
            self.msg.add_header(name, value)

    def isclosed(self) -> bool:
        return True

    def close(self) -> None:
        """Nothing is held."""


def _raw(response: Response, *, stream: bool) -> HTTPResponse:
    original: Any = _Original(response)
    return HTTPResponse(
        body=_File(response, stream=stream),
        headers=HTTPHeaderDict(response.headers.multi_items()),
        status=response.status_code,
        version=_VERSIONS.get(response.http_version, 11),
        version_string=response.http_version,
        reason=response.reason_phrase,
        preload_content=False,
        decode_content=False,
        original_response=original,
        enforce_content_length=False,  # it has been held to its length already
        request_method=response.request.method,
    )


def _read(request: requests.PreparedRequest, timeout: Any) -> Request:
    pairs = [(_bytes(name), _bytes(value)) for name, value in request.headers.items()]
    return Request.of_parts(
        request.method or "GET",
        URL(request.url or ""),
        Headers(pairs),
        _body(request.body),
        {"timeout": _timeout(timeout)},
    )


def _bytes(text: Any) -> bytes:
    """Headers as http.client writes them."""
    return text if isinstance(text, bytes) else str(text).encode("latin-1")


def _body(body: Any) -> Body:
    if body is None:
        return EMPTY
    if hasattr(body, "read") and not hasattr(body, "__iter__"):
        read: Callable[[int], bytes] = body.read
        return encode_content(iter(lambda: read(CHUNK), b""))[1]
    return encode_content(body)[1]


def _timeout(timeout: Any) -> dict[str, float | None]:
    """One number for both, a pair, or a `urllib3.Timeout`; None is no limit."""
    if isinstance(timeout, tuple):
        if len(timeout) != 2:  # noqa: PLR2004  a pair
            raise ValueError(f"`timeout` is seconds or `(connect, read)`, not `{timeout!r}`")
        connect, read = timeout
    elif hasattr(timeout, "connect_timeout"):
        connect, read = timeout.connect_timeout, timeout.read_timeout
    else:
        connect = read = timeout
    return {"connect": connect, "read": read, "write": read, "pool": None}


def _proxy(request: requests.PreparedRequest, proxies: Mapping[str, str] | None) -> str | None:
    found = select_proxy(request.url or "", dict(proxies or {}))
    if not found:
        return None
    address: str = prepend_scheme_if_needed(found, "http")
    if not address.startswith(("http://", "https://")):
        raise exceptions.InvalidSchema(
            f"a proxy's URL begins with `http://` or `https://`, not `{address.partition(':')[0]}://`",
            request=request,
        )
    return address


def _told(error: errors.SurehopError, request: requests.PreparedRequest) -> Exception:
    """requests' exception for one of ours."""
    return _kind(error)(str(error), request=request)


def _kind(error: errors.SurehopError) -> type[requests.RequestException]:
    if isinstance(error, errors.HTTPError) and error.phase is Phase.BODY:
        # requests has other names for what happens within a body.
        if isinstance(error, errors.TimeoutException):
            return exceptions.ConnectionError
        if isinstance(error, errors.TransportError):
            return exceptions.ChunkedEncodingError
    for ours, theirs in _KINDS:
        if isinstance(error, ours):
            return theirs
    return requests.RequestException
