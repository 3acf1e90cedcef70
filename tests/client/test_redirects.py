from typing import Any

import httpx
import pytest

from surehop.client.redirects import redirect
from surehop.client.request import Request
from surehop.client.response import Response
from surehop.errors import RemoteProtocolError

HEADERS = {"Authorization": "secret", "Cookie": "a=b", "X-Mine": "1"}


def seen(request: Any) -> tuple[str, str, dict[str, str]]:
    return request.method, str(request.url), dict(request.headers.items())


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize(
    ("url", "location"),
    [
        ("http://a.com/x", "/y"),
        ("http://a.com/x/", "y?q#f"),
        ("http://a.com/x#here", "//b.com/z"),
        ("http://a.com/x", "https://a.com/x"),
        ("http://a.com:81/x", "https://a.com/x"),
        ("https://a.com/x", "http://b.com:80/x"),
        ("http://a.com/x", "http:///lost"),
    ],
)
def test_they_are_httpx_s(method: str, status: int, url: str, location: str) -> None:
    body: Any = {"content": b"body"} if method in ("POST", "PUT") else {}
    client = httpx.Client()
    theirs = httpx.Request(method, url, headers=HEADERS, **body)
    ours = Request(method, url, headers=HEADERS, **body)

    found = redirect(ours, Response(status, headers={"Location": location}, request=ours))
    wanted = client._build_redirect_request(
        theirs, httpx.Response(status, headers={"Location": location}, request=theirs)
    )
    client.close()

    assert seen(found) == seen(wanted)
    assert (found.stream.whole == b"body") is (wanted.method in ("POST", "PUT"))


def test_a_location_that_is_none() -> None:
    request = Request("GET", "http://a/")
    response = Response(302, headers={"Location": "http://a:port/"}, request=request)

    with pytest.raises(RemoteProtocolError, match="`Location` is no URL") as refused:
        redirect(request, response)
    assert refused.value.response is response
