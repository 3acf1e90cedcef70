"""Authentication: what is added to a request, and what is answered to a challenge."""

import hashlib
import netrc
import os
import threading
from base64 import b64encode
from collections.abc import AsyncGenerator, Callable, Generator
from typing import Final, NamedTuple
from urllib.request import parse_http_list

from surehop.client.cookies import Cookies
from surehop.client.request import Request
from surehop.client.response import Response
from surehop.errors import RemoteProtocolError

# MD5 and SHA-1 are what servers ask for; nothing here hangs on their strength but the servers'.
_HASHES: Final[dict[str, str]] = {
    "MD5": "md5",
    "SHA": "sha1",
    "SHA-256": "sha256",
    "SHA-512": "sha512",
    "SHA-512-256": "sha512_256",
}
_BARE: Final = frozenset({"algorithm", "qop", "nc"})
_UNAUTHORIZED: Final = 401


def _bytes(text: str | bytes) -> bytes:
    return text.encode() if isinstance(text, str) else text


def _basic(username: str | bytes, password: str | bytes) -> str:
    return "Basic " + b64encode(_bytes(username) + b":" + _bytes(password)).decode("ascii")


class Auth:
    """Base of all. `auth_flow` yields requests that are to be sent and is sent their responses; the
    last is what the caller gets. What does I/O overrides `sync_auth_flow` or `async_auth_flow`.
    """

    requires_request_body = False
    requires_response_body = False

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        yield request

    def sync_auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        """`auth_flow`, with bodies read where they are required."""
        if self.requires_request_body:
            request.read()
        flow = self.auth_flow(request)
        try:
            request = next(flow)
            while True:
                response = yield request
                if self.requires_response_body:
                    response.read()
                request = flow.send(response)
        except StopIteration:
            return
        finally:
            flow.close()

    async def async_auth_flow(self, request: Request) -> AsyncGenerator[Request, Response]:
        """`auth_flow`, with bodies read where they are required."""
        if self.requires_request_body:
            await request.aread()
        flow = self.auth_flow(request)
        try:
            request = next(flow)
            while True:
                response = yield request
                if self.requires_response_body:
                    await response.aread()
                request = flow.send(response)
        except StopIteration:
            return
        finally:
            flow.close()


class FunctionAuth(Auth):
    """A callable that takes the request and returns what is to be sent."""

    def __init__(self, func: Callable[[Request], Request]) -> None:
        self._func = func

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        yield self._func(request)


class BasicAuth(Auth):
    """Name and password in every request (RFC 7617, UTF-8)."""

    def __init__(self, username: str | bytes, password: str | bytes) -> None:
        self._header = _basic(username, password)

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        request.headers["Authorization"] = self._header
        yield request


class NetRCAuth(Auth):
    """Name and password as a netrc file (`~/.netrc` if none is named) says for the host."""

    def __init__(self, file: str | None = None) -> None:
        self._netrc = netrc.netrc(file)

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        known = self._netrc.authenticators(request.url.host)
        if known is not None and known[2]:
            request.headers["Authorization"] = _basic(known[0], known[2])
        yield request


class Challenge(NamedTuple):
    """What a `WWW-Authenticate: Digest` says; text as it was sent, without its quotes."""

    realm: str
    nonce: str
    algorithm: str
    opaque: str | None
    qop: str | None


def _challenge(header: str, request: Request) -> Challenge | None:
    """Reads a challenge; None for an algorithm that is not had."""
    said: dict[str, str] = {}
    for field in parse_http_list(header.partition(" ")[2]):
        name, equals, value = field.strip().partition("=")
        if not equals:
            raise RemoteProtocolError(f"digest challenge with a bare `{field}`", request=request)
        value = value.strip()
        quoted = len(value) > 1 and value[0] == value[-1] == '"'
        said[name.strip().lower()] = value[1:-1] if quoted else value
    for name in ("realm", "nonce"):
        if name not in said:
            raise RemoteProtocolError(f"digest challenge without `{name}`", request=request)
    algorithm = said.get("algorithm", "MD5")
    if algorithm.upper().removesuffix("-SESS") not in _HASHES:
        return None
    return Challenge(said["realm"], said["nonce"], algorithm, said.get("opaque"), said.get("qop"))


class DigestAuth(Auth):
    """Digest authentication (RFC 7616, and 2069 for servers that say no `qop`). A challenge that
    was answered is used for the requests after it. Threads may share one.
    """

    def __init__(self, username: str | bytes, password: str | bytes) -> None:
        self._username = _bytes(username)
        self._password = _bytes(password)
        self._lock = threading.Lock()
        self._last: Challenge | None = None
        self._count = 0

    def auth_flow(self, request: Request) -> Generator[Request, Response, None]:
        with self._lock:
            challenge, count = self._last, self._counted()
        if challenge is not None:
            request.headers["Authorization"] = self._answer(request, challenge, count)
        response = yield request
        if response.status_code != _UNAUTHORIZED:
            return
        for header in response.headers.get_list("www-authenticate"):
            if header.lower().startswith("digest "):
                challenge = _challenge(header, request)
                if challenge is not None:
                    break
        else:
            return
        with self._lock:
            if challenge != self._last:
                self._last, self._count = challenge, 0
            count = self._counted()
        request.headers["Authorization"] = self._answer(request, challenge, count)
        if response.cookies:
            Cookies(response.cookies).set_cookie_header(request)
        yield request

    def _counted(self) -> int:
        self._count += 1
        return self._count

    def _answer(self, request: Request, challenge: Challenge, count: int) -> str:
        algorithm = challenge.algorithm.upper()
        name = _HASHES[algorithm.removesuffix("-SESS")]

        def digest(*parts: bytes) -> bytes:
            return hashlib.new(name, b":".join(parts), usedforsecurity=False).hexdigest().encode()

        realm, nonce = challenge.realm.encode(), challenge.nonce.encode()
        uri = request.url.raw_path
        nc, cnonce = b"%08x" % count, os.urandom(8).hex().encode()
        secret = digest(self._username, realm, self._password)
        if algorithm.endswith("-SESS"):
            secret = digest(secret, nonce, cnonce)
        asked = digest(request.method.encode(), uri)
        username = self._username.decode().replace("\\", "\\\\").replace('"', '\\"')
        fields = {
            "username": username,
            "realm": challenge.realm,
            "nonce": challenge.nonce,
            "uri": uri.decode("ascii"),
            "response": "",
            "algorithm": challenge.algorithm,
        }
        if challenge.opaque is not None:
            fields["opaque"] = challenge.opaque
        if challenge.qop is None:
            response = digest(secret, nonce, asked)
        else:
            offered = [word.strip() for word in challenge.qop.split(",")]
            if "auth" not in offered:
                raise RemoteProtocolError(
                    f"digest challenge with qop `{challenge.qop}`; only `auth` is had",
                    request=request,
                )
            response = digest(secret, nonce, nc, cnonce, b"auth", asked)
            fields |= {"qop": "auth", "nc": nc.decode(), "cnonce": cnonce.decode()}
        fields["response"] = response.decode()
        written = (f"{k}={v}" if k in _BARE else f'{k}="{v}"' for k, v in fields.items())
        return "Digest " + ", ".join(written)
