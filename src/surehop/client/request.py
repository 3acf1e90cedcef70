"""A request, as a person makes and sees it."""

import re
from collections.abc import Iterator, Mapping, MutableMapping
from typing import Any

from surehop.client.content import (
    AsyncByteStream,
    Body,
    ByteStream,
    Content,
    Data,
    Files,
    SyncByteStream,
    UnattachedStream,
    encode_request,
)
from surehop.client.cookies import Cookies, CookieTypes
from surehop.client.headers import Headers, HeaderTypes
from surehop.client.params import QueryParamTypes
from surehop.client.url import URL
from surehop.errors import LocalProtocolError, RequestNotRead

_METHOD = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
_WITH_BODY = frozenset({"POST", "PUT", "PATCH"})


def _boundary(headers: Headers) -> bytes | None:
    content_type: str | None = headers.get("content-type")
    if content_type is None or not content_type.startswith("multipart/form-data"):
        return None
    from surehop.client.multipart import boundary_of  # noqa: PLC0415 (see encode_request)

    return boundary_of(content_type)


class Request:
    """`method` (in upper case), `url`, `headers`, a body, and `extensions`.

    With a body by `content`, `data`, `files` or `json`, or with none, Host and the headers that
    frame the body are filled in; with `stream` nothing is.
    """

    # A dict, too: people hang things of their own on requests.
    __slots__ = ("__dict__", "__weakref__", "extensions", "headers", "method", "stream", "url")

    def __init__(
        self,
        method: str,
        url: URL | str,
        *,
        params: "QueryParamTypes | None" = None,
        headers: "HeaderTypes | None" = None,
        cookies: "CookieTypes | None" = None,
        content: Content | None = None,
        data: Data | None = None,
        files: Files | None = None,
        json: Any | None = None,
        stream: SyncByteStream | AsyncByteStream | Body | None = None,
        extensions: Mapping[str, Any] | None = None,
    ) -> None:
        self.method = method.upper()
        if not _METHOD.fullmatch(self.method):
            raise LocalProtocolError(f"{method!r} is no method")
        self.url = URL(url) if params is None else URL(url, params=params)
        self.headers = Headers(headers)
        self.extensions: MutableMapping[str, Any] = dict(extensions or {})
        self.stream: Body
        if cookies:
            Cookies(cookies).set_cookie_header(self)
        if stream is not None:
            self.stream = stream
            return
        asked, self.stream = encode_request(content, data, files, json, _boundary(self.headers))
        self._prepare(asked)

    @classmethod
    def of_parts(
        cls, method: str, url: URL, headers: Headers, stream: Body, extensions: dict[str, Any]
    ) -> "Request":
        """Of parts that are complete: nothing is checked, copied or filled in."""
        request = cls.__new__(cls)
        request.method = method
        request.url = url
        request.headers = headers
        request.stream = stream
        request.extensions = extensions
        return request

    def _prepare(self, asked: dict[str, str]) -> None:
        for key, value in asked.items():
            if key == "Transfer-Encoding" and "Content-Length" in self.headers:
                continue  # who says the length means it
            given = self.headers.get(key, "")
            if key == "Content-Type" and given.strip("; ").lower() == "multipart/form-data":
                del self.headers[key]  # without its boundary nobody could read the body
            self.headers.setdefault(key, value)
        filled: list[tuple[bytes, bytes]] = []
        if self.url.host and "Host" not in self.headers:
            filled.append((b"Host", self.url.netloc))
        framed = "Content-Length" in self.headers or "Transfer-Encoding" in self.headers
        if self.method in _WITH_BODY and not framed:
            filled.append((b"Content-Length", b"0"))
        if filled:
            self.headers = Headers.of_wire([*filled, *self.headers.raw])

    @property
    def content(self) -> bytes:
        """The body; RequestNotRead if it is a stream that has not been read."""
        if self.stream.whole is None:
            raise RequestNotRead
        return self.stream.whole

    def read(self) -> bytes:
        """Reads the body into memory, from where it can be sent as often as need be."""
        whole = self.stream.whole
        if whole is None:
            if not hasattr(self.stream, "__iter__"):
                raise RuntimeError("the body is an async stream: `await request.aread()` reads it")
            chunks: Iterator[bytes] = iter(self.stream)
            self.stream = ByteStream(whole := b"".join(chunks))
        return whole

    async def aread(self) -> bytes:
        """`read`, of an async stream."""
        whole = self.stream.whole
        if whole is None:
            if not isinstance(self.stream, AsyncByteStream) and not hasattr(
                self.stream, "__aiter__"
            ):
                return self.read()
            self.stream = ByteStream(whole := b"".join([chunk async for chunk in self.stream]))
        return whole

    def __repr__(self) -> str:
        return f"<Request({self.method!r}, {self.url.shown!r})>"

    def __getstate__(self) -> dict[str, Any]:
        """Without extensions and without what can't be read twice."""
        return {
            **self.__dict__,
            "method": self.method,
            "url": self.url,
            "headers": self.headers,
            "content": self.stream.whole,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        content = state.pop("content")
        for name, value in state.items():
            setattr(self, name, value)
        self.extensions = {}
        self.stream = UnattachedStream() if content is None else ByteStream(content)
