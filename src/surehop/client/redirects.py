"""Where a redirect leads, and with what: httpx's rules."""

from surehop.client.content import EMPTY
from surehop.client.headers import Headers
from surehop.client.parts import DEFAULT_PORTS
from surehop.client.request import Request
from surehop.client.response import Response
from surehop.client.url import URL
from surehop.errors import InvalidURL, RemoteProtocolError

_SEE_OTHER, _FOUND, _MOVED = 303, 302, 301


def redirect(request: Request, response: Response) -> Request:
    """The request that a redirect asks for, without its cookies."""
    url = _url(request, response)
    method = _method(request.method, response.status_code)
    bare = method != request.method and method == "GET"
    return Request(
        method,
        url,
        headers=_headers(request, url, bare=bare),
        stream=EMPTY if bare else request.stream,
        extensions=request.extensions,
    )


def _method(method: str, status: int) -> str:
    """303 and 302 make it a GET, as browsers do; 301 a POST alone."""
    if status in (_SEE_OTHER, _FOUND) and method != "HEAD":
        return "GET"
    return "GET" if status == _MOVED and method == "POST" else method


def _url(request: Request, response: Response) -> URL:
    try:
        url = URL(response.headers["location"])
        if url.scheme and not url.host:
            url = url.copy_with(host=request.url.host)
        if not url.scheme or not url.host:
            url = request.url.join(url)
    except InvalidURL as error:
        raise RemoteProtocolError(
            f"the redirect's `Location` is no URL: {error}", request=request, response=response
        ) from None
    if request.url.fragment and not url.fragment:
        url = url.copy_with(fragment=request.url.fragment)
    return url


def _headers(request: Request, url: URL, *, bare: bool) -> Headers:
    headers = request.headers.copy()
    if _origin(url) != _origin(request.url):
        if not _to_https(request.url, url):
            headers.pop("Authorization", None)
        headers["Host"] = url.netloc.decode("ascii")
    if bare:
        headers.pop("Content-Length", None)
        headers.pop("Transfer-Encoding", None)
    headers.pop("Cookie", None)  # the client's jar says anew what goes where
    return headers


def _port(url: URL) -> int | None:
    return url.port or DEFAULT_PORTS.get(url.scheme)


def _origin(url: URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, _port(url)


def _to_https(before: URL, after: URL) -> bool:
    """The same host, from plain to TLS, on the standard ports."""
    return (
        before.host == after.host
        and (before.scheme, _port(before)) == ("http", DEFAULT_PORTS["http"])
        and (after.scheme, _port(after)) == ("https", DEFAULT_PORTS["https"])
    )
