"""Authentication, beside httpx's and what the RFCs print."""

import asyncio
import os
import re
import time
from collections.abc import AsyncIterator, Generator
from pathlib import Path
from typing import Any

import httpx
import pytest
from hypothesis import given, strategies as st

from surehop.client.auth import Auth, BasicAuth, DigestAuth, FunctionAuth, NetRCAuth
from surehop.client.request import Request
from surehop.client.response import Response
from surehop.errors import RemoteProtocolError


def first(auth: Any, request: Any) -> Any:
    return next(auth.sync_auth_flow(request))


def challenged(header: str | list[str], status: int = 401) -> Response:
    headers = [("WWW-Authenticate", h) for h in ([header] if isinstance(header, str) else header)]
    return Response(status, headers=headers, request=Request("GET", "http://h/"))


def answered(auth: DigestAuth, request: Request, response: Response) -> str | None:
    """The Authorization after the response; None if the flow ends there."""
    flow = auth.sync_auth_flow(request)
    next(flow)
    try:
        return str(flow.send(response).headers["authorization"])
    except StopIteration:
        return None


def fields(header: str) -> dict[str, str]:
    return {k: v.strip('"') for k, v in re.findall(r'(\w+)=("[^"]*"|[^,]*)', header)}


@given(st.text(max_size=5), st.text(max_size=5) | st.binary(max_size=5))
def test_basic_is_httpx_basic(username: str, password: str | bytes) -> None:
    try:
        expected = first(httpx.BasicAuth(username, password), httpx.Request("GET", "http://h/"))
    except UnicodeEncodeError:
        return
    sent = first(BasicAuth(username, password), Request("GET", "http://h/"))

    assert sent.headers["authorization"] == expected.headers["authorization"]


@pytest.fixture
def same_nonce(monkeypatch: pytest.MonkeyPatch) -> str:
    """The same client nonce here and in httpx."""
    monkeypatch.setattr(os, "urandom", bytes)
    monkeypatch.setattr(time, "ctime", lambda: "now")
    monkeypatch.setattr(httpx.DigestAuth, "_get_client_nonce", lambda *_: b"00" * 8)
    return "00" * 8


@pytest.mark.parametrize("algorithm", [None, "MD5", "SHA", "SHA-256", "SHA-512"])
@pytest.mark.parametrize("session", ["", "-sess", "-SESS"])
@pytest.mark.parametrize("qop", [None, "auth", "auth,auth-int", "auth-int, auth"])
@pytest.mark.parametrize("opaque", [None, "seen"])
@pytest.mark.usefixtures("same_nonce")
def test_digests_are_httpx_digests(
    algorithm: str | None, session: str, qop: str | None, opaque: str | None
) -> None:
    challenge = 'Digest realm="a, realm", nonce="n=1"'
    challenge += f", algorithm={algorithm}{session}" if algorithm else ""
    challenge += f', qop="{qop}"' if qop else ""
    challenge += f', opaque="{opaque}"' if opaque else ""
    url = "http://h/dir/index.html?q=ü"
    mine, theirs = DigestAuth("jo", "sécret"), httpx.DigestAuth("jo", "sécret")
    sent = answered(mine, Request("PUT", url), challenged(challenge))

    told = httpx.Request("PUT", url)
    flow = theirs.sync_auth_flow(told)
    next(flow)
    headers = {"WWW-Authenticate": challenge}
    expected = flow.send(httpx.Response(401, headers=headers, request=told))

    assert sent == expected.headers["authorization"]
    again = first(mine, Request("GET", url)).headers["authorization"]
    assert again == first(theirs, httpx.Request("GET", url)).headers["authorization"]
    if qop:
        assert fields(again)["nc"] == "00000002"


@pytest.mark.parametrize(
    ("algorithm", "response"),
    [
        ("MD5", "8ca523f5e9506fed4657c9700eebdbec"),
        ("SHA-256", "753927fa0e85d155564e2e272a28d1802ca10daf4496794697cf8db5856cb6c1"),
    ],
)
def test_the_example_of_rfc_7616(
    algorithm: str, response: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Known(bytes):
        def hex(self, *_: Any) -> str:
            return "f2/wE4q74E6zIJEtWaHKaf5wv/H5QzzpXusqGemxURZJ"

    monkeypatch.setattr(os, "urandom", Known)
    challenge = (
        'Digest realm="http-auth@example.org", qop="auth, auth-int", '
        f"algorithm={algorithm}, "
        'nonce="7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v", '
        'opaque="FQhe/qaU925kfnzjCev0ciny7QMkPqMAFRtzCUYo5tdS"'
    )
    request = Request("GET", "http://www.example.org/dir/index.html")
    sent = answered(DigestAuth("Mufasa", "Circle of Life"), request, challenged(challenge))

    assert sent is not None
    assert fields(sent)["response"] == response


def test_the_first_challenge_that_can_be_answered_is() -> None:
    offered = [
        'Basic realm="x"',
        'Digest realm="r", nonce="n", algorithm=ROT13',
        'Digest realm="r", nonce="n", algorithm=SHA-256',
        'Digest realm="r", nonce="n", algorithm=MD5',
    ]
    sent = answered(DigestAuth("a", "b"), Request("GET", "http://h/"), challenged(offered))

    assert sent is not None
    assert fields(sent)["algorithm"] == "SHA-256"


@pytest.mark.parametrize(
    "response",
    [
        Response(200),
        Response(401),
        challenged('Basic realm="x"'),
        challenged('Digest realm="r", nonce="n"', status=403),
        challenged('Digest realm="r", nonce="n", algorithm=ROT13'),
    ],
)
def test_what_cannot_be_answered_is_the_answer(response: Response) -> None:
    assert answered(DigestAuth("a", "b"), Request("GET", "http://h/"), response) is None


@pytest.mark.parametrize(
    ("challenge", "told"),
    [
        ('Digest nonce="n"', "without `realm`"),
        ('Digest realm="r"', "without `nonce`"),
        ("Digest realm", "bare `realm`"),
        ('Digest realm="r", nonce="n", qop="auth-int"', "auth-int"),
    ],
)
def test_a_challenge_that_is_none_is_told(challenge: str, told: str) -> None:
    request = Request("GET", "http://h/")
    with pytest.raises(RemoteProtocolError, match=told) as raised:
        answered(DigestAuth("a", "b"), request, challenged(challenge))

    assert raised.value.request is request


def test_a_quote_in_the_name_is_escaped() -> None:
    challenge = challenged('Digest realm="r", nonce="n"')
    sent = answered(DigestAuth('a"b\\', "b"), Request("GET", "http://h/"), challenge)

    assert sent is not None
    assert 'username="a\\"b\\\\"' in sent


def test_the_cookies_of_the_challenge_go_with_the_answer() -> None:
    response = challenged('Digest realm="r", nonce="n"')
    response.headers["Set-Cookie"] = "a=b"
    request = Request("GET", "http://h/")
    answered(DigestAuth("a", "b"), request, response)

    assert request.headers["cookie"] == "a=b"


def test_netrc(tmp_path: Path) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine h login jo password secret\nmachine empty login jo password ''\n")
    auth = NetRCAuth(str(file))

    assert first(auth, Request("GET", "http://h/")).headers["authorization"].startswith("Basic ")
    assert "authorization" not in first(auth, Request("GET", "http://other/")).headers


def test_a_function() -> None:
    def sign(request: Request) -> Request:
        request.headers["x-signed"] = "yes"
        return request

    assert first(FunctionAuth(sign), Request("GET", "http://h/")).headers["x-signed"] == "yes"


class Thorough(Auth):
    requires_request_body = True
    requires_response_body = True

    def __init__(self) -> None:
        self.read: list[bytes] = []

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        self.read.append(request.content)
        response = yield request
        self.read.append(response.content)
        yield request


async def later(data: bytes) -> AsyncIterator[bytes]:
    yield data


def test_bodies_are_read_where_they_are_required() -> None:
    auth = Thorough()
    flow = auth.sync_auth_flow(Request("POST", "http://h/", content=iter([b"asked"])))
    next(flow)
    flow.send(Response(200, content=iter([b"told"])))
    with pytest.raises(StopIteration):
        flow.send(Response(200))
    assert auth.read == [b"asked", b"told"]

    async def scenario() -> list[bytes]:
        auth = Thorough()
        flow = auth.async_auth_flow(Request("POST", "http://h/", content=later(b"asked")))
        await anext(flow)
        await flow.asend(Response(200, content=later(b"told")))
        with pytest.raises(StopAsyncIteration):
            await flow.asend(Response(200))
        return auth.read

    assert asyncio.run(scenario()) == [b"asked", b"told"]


def test_no_auth_sends_the_request_once() -> None:
    request = Request("GET", "http://h/")
    flow = Auth().sync_auth_flow(request)

    assert next(flow) is request
    with pytest.raises(StopIteration):
        flow.send(Response(200))
