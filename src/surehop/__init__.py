"""Surehop makes HTTP hops hold: proxy, client, doctor and lab on one engine."""

from importlib import import_module as _import_module

from surehop.face import face as _face

TYPE_CHECKING = False  # as checkers know it: `typing` would take longer than all of this
if TYPE_CHECKING:
    from typing import Any as _Any

    from surehop import (
        retry as retry,
    )
    from surehop.client.auth import (
        Auth as Auth,
        BasicAuth as BasicAuth,
        DigestAuth as DigestAuth,
        FunctionAuth as FunctionAuth,
        NetRCAuth as NetRCAuth,
    )
    from surehop.client.content import (
        AsyncByteStream as AsyncByteStream,
        ByteStream as ByteStream,
        SyncByteStream as SyncByteStream,
    )
    from surehop.client.cookies import (
        Cookies as Cookies,
    )
    from surehop.client.facade import (
        AsyncClient as AsyncClient,
        Client as Client,
    )
    from surehop.client.functions import (
        delete as delete,
        get as get,
        head as head,
        options as options,
        patch as patch,
        post as post,
        put as put,
        request as request,
        stream as stream,
    )
    from surehop.client.headers import (
        Headers as Headers,
    )
    from surehop.client.options import (
        Limits as Limits,
        Proxy as Proxy,
        Timeout as Timeout,
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
        codes as codes,
    )
    from surehop.client.retry import (
        Retry as Retry,
    )
    from surehop.client.url import (
        URL as URL,
    )
    from surehop.errors import (
        CertificateError as CertificateError,
        CloseError as CloseError,
        ConnectError as ConnectError,
        ConnectionClosed as ConnectionClosed,
        ConnectTimeout as ConnectTimeout,
        CookieConflict as CookieConflict,
        DecodingError as DecodingError,
        HTTPError as HTTPError,
        HTTPStatusError as HTTPStatusError,
        InvalidURL as InvalidURL,
        LocalProtocolError as LocalProtocolError,
        NetworkError as NetworkError,
        NoLiveUpstream as NoLiveUpstream,
        PoolTimeout as PoolTimeout,
        ProtocolError as ProtocolError,
        ProxyError as ProxyError,
        ReadError as ReadError,
        ReadTimeout as ReadTimeout,
        RemoteProtocolError as RemoteProtocolError,
        RequestError as RequestError,
        RequestNotRead as RequestNotRead,
        ResolveError as ResolveError,
        ResponseNotRead as ResponseNotRead,
        StreamClosed as StreamClosed,
        StreamConsumed as StreamConsumed,
        StreamError as StreamError,
        SurehopError as SurehopError,
        TimeoutException as TimeoutException,
        TLSError as TLSError,
        TooManyRedirects as TooManyRedirects,
        TotalTimeout as TotalTimeout,
        TransportError as TransportError,
        UnsupportedProtocol as UnsupportedProtocol,
        WriteError as WriteError,
        WriteTimeout as WriteTimeout,
    )
    from surehop.events import (
        Attempt as Attempt,
        Evidence as Evidence,
    )

    __version__: str

_ask, _names = _face(
    __name__,
    {
        "surehop.client.auth": "Auth BasicAuth DigestAuth FunctionAuth NetRCAuth",
        "surehop.client.content": "AsyncByteStream ByteStream SyncByteStream",
        "surehop.client.cookies": "Cookies",
        "surehop.client.facade": "AsyncClient Client",
        "surehop.client.functions": "delete get head options patch post put request stream",
        "surehop.client.headers": "Headers",
        "surehop.client.options": "Limits Proxy Timeout Upstream",
        "surehop.client.params": "QueryParams",
        "surehop.client.request": "Request",
        "surehop.client.response": "Response codes",
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
    },
)


def __getattr__(name: str) -> "_Any":
    if name == "__version__":
        value = globals()[name] = _import_module("importlib.metadata").version("surehop")
        return value
    if name == "retry":  # `surehop.retry.no_delay`, without another import
        return _import_module("surehop.retry")
    return _ask(name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_names, "__version__"})
