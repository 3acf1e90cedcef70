"""Surehop makes HTTP hops hold: proxy, client, doctor and lab on one engine."""

from importlib import import_module as _import_module
from importlib.metadata import version as _version
from typing import TYPE_CHECKING as _TYPE_CHECKING
from typing import Any as _Any

if _TYPE_CHECKING:
    from surehop.client.auth import (
        Auth as Auth,
    )
    from surehop.client.auth import (
        BasicAuth as BasicAuth,
    )
    from surehop.client.auth import (
        DigestAuth as DigestAuth,
    )
    from surehop.client.auth import (
        FunctionAuth as FunctionAuth,
    )
    from surehop.client.auth import (
        NetRCAuth as NetRCAuth,
    )
    from surehop.client.content import (
        AsyncByteStream as AsyncByteStream,
    )
    from surehop.client.content import (
        ByteStream as ByteStream,
    )
    from surehop.client.content import (
        SyncByteStream as SyncByteStream,
    )
    from surehop.client.cookies import (
        Cookies as Cookies,
    )
    from surehop.client.facade import (
        AsyncClient as AsyncClient,
    )
    from surehop.client.facade import (
        Client as Client,
    )
    from surehop.client.functions import (
        delete as delete,
    )
    from surehop.client.functions import (
        get as get,
    )
    from surehop.client.functions import (
        head as head,
    )
    from surehop.client.functions import (
        options as options,
    )
    from surehop.client.functions import (
        patch as patch,
    )
    from surehop.client.functions import (
        post as post,
    )
    from surehop.client.functions import (
        put as put,
    )
    from surehop.client.functions import (
        request as request,
    )
    from surehop.client.functions import (
        stream as stream,
    )
    from surehop.client.headers import (
        Headers as Headers,
    )
    from surehop.client.options import (
        Limits as Limits,
    )
    from surehop.client.options import (
        Proxy as Proxy,
    )
    from surehop.client.options import (
        Timeout as Timeout,
    )
    from surehop.client.options import (
        Upstream as Upstream,
    )
    from surehop.client.params import (
        QueryParams as QueryParams,
    )
    from surehop.client.request import (
        Request as Request,
    )
    from surehop.client.response import (
        Response as Response,
    )
    from surehop.client.retry import (
        Retry as Retry,
    )
    from surehop.client.url import (
        URL as URL,
    )
    from surehop.errors import (
        CertificateError as CertificateError,
    )
    from surehop.errors import (
        CloseError as CloseError,
    )
    from surehop.errors import (
        ConnectError as ConnectError,
    )
    from surehop.errors import (
        ConnectionClosed as ConnectionClosed,
    )
    from surehop.errors import (
        ConnectTimeout as ConnectTimeout,
    )
    from surehop.errors import (
        CookieConflict as CookieConflict,
    )
    from surehop.errors import (
        DecodingError as DecodingError,
    )
    from surehop.errors import (
        HTTPError as HTTPError,
    )
    from surehop.errors import (
        HTTPStatusError as HTTPStatusError,
    )
    from surehop.errors import (
        InvalidURL as InvalidURL,
    )
    from surehop.errors import (
        LocalProtocolError as LocalProtocolError,
    )
    from surehop.errors import (
        NetworkError as NetworkError,
    )
    from surehop.errors import (
        NoLiveUpstream as NoLiveUpstream,
    )
    from surehop.errors import (
        PoolTimeout as PoolTimeout,
    )
    from surehop.errors import (
        ProtocolError as ProtocolError,
    )
    from surehop.errors import (
        ProxyError as ProxyError,
    )
    from surehop.errors import (
        ReadError as ReadError,
    )
    from surehop.errors import (
        ReadTimeout as ReadTimeout,
    )
    from surehop.errors import (
        RemoteProtocolError as RemoteProtocolError,
    )
    from surehop.errors import (
        RequestError as RequestError,
    )
    from surehop.errors import (
        RequestNotRead as RequestNotRead,
    )
    from surehop.errors import (
        ResolveError as ResolveError,
    )
    from surehop.errors import (
        ResponseNotRead as ResponseNotRead,
    )
    from surehop.errors import (
        StreamClosed as StreamClosed,
    )
    from surehop.errors import (
        StreamConsumed as StreamConsumed,
    )
    from surehop.errors import (
        StreamError as StreamError,
    )
    from surehop.errors import (
        SurehopError as SurehopError,
    )
    from surehop.errors import (
        TimeoutException as TimeoutException,
    )
    from surehop.errors import (
        TLSError as TLSError,
    )
    from surehop.errors import (
        TooManyRedirects as TooManyRedirects,
    )
    from surehop.errors import (
        TotalTimeout as TotalTimeout,
    )
    from surehop.errors import (
        TransportError as TransportError,
    )
    from surehop.errors import (
        UnsupportedProtocol as UnsupportedProtocol,
    )
    from surehop.errors import (
        WriteError as WriteError,
    )
    from surehop.errors import (
        WriteTimeout as WriteTimeout,
    )
    from surehop.events import (
        Attempt as Attempt,
    )
    from surehop.events import (
        Evidence as Evidence,
    )

__version__ = _version("surehop")

# Imported when first asked for, so that the proxy's command line does not wait for the client.
_ROOMS = {
    "surehop.client.auth": "Auth BasicAuth DigestAuth FunctionAuth NetRCAuth",
    "surehop.client.content": "AsyncByteStream ByteStream SyncByteStream",
    "surehop.client.cookies": "Cookies",
    "surehop.client.facade": "AsyncClient Client",
    "surehop.client.functions": "delete get head options patch post put request stream",
    "surehop.client.headers": "Headers",
    "surehop.client.options": "Limits Proxy Timeout Upstream",
    "surehop.client.params": "QueryParams",
    "surehop.client.request": "Request",
    "surehop.client.response": "Response",
    "surehop.client.retry": "Retry",
    "surehop.client.url": "URL",
    "surehop.errors": (
        "CertificateError CloseError ConnectError ConnectTimeout ConnectionClosed "
        "CookieConflict DecodingError HTTPError HTTPStatusError InvalidURL "
        "LocalProtocolError NetworkError NoLiveUpstream PoolTimeout ProtocolError "
        "ProxyError ReadError ReadTimeout RemoteProtocolError RequestError "
        "RequestNotRead ResolveError ResponseNotRead StreamClosed StreamConsumed "
        "StreamError SurehopError TLSError TimeoutException TooManyRedirects "
        "TotalTimeout TransportError UnsupportedProtocol WriteError WriteTimeout "
    ),
    "surehop.events": "Attempt Evidence",
}
_ROOM_OF = {name: room for room, names in _ROOMS.items() for name in names.split()}


def __getattr__(name: str) -> _Any:
    room = _ROOM_OF.get(name)
    if room is None:
        raise AttributeError(f"`surehop` has no `{name}`")
    value = globals()[name] = getattr(_import_module(room), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *_ROOM_OF})
