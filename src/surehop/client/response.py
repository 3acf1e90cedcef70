"""A response, as a person reads it."""

import datetime as dt
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol, Self, cast

from surehop.client.content import (
    AsyncByteStream,
    Body,
    Content,
    SyncByteStream,
    UnattachedStream,
    encode_response,
)
from surehop.client.cookies import Cookies
from surehop.client.headers import Headers, HeaderTypes, Pairs
from surehop.client.links import links_of
from surehop.client.payload import Payload
from surehop.client.request import Request
from surehop.client.url import URL
from surehop.errors import HTTPStatusError
from surehop.events import Attempt

codes = HTTPStatus  # httpx's name for it

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_KINDS = {
    1: "Informational response",
    3: "Redirect response",
    4: "Client error",
    5: "Server error",
}
_MORE = "https://developer.mozilla.org/en-US/docs/Web/HTTP/Status/"


class Answer(Protocol):
    """What of a native answer is looked at here, and only when it is asked for."""

    @property
    def status(self) -> int: ...
    @property
    def reason(self) -> bytes: ...
    @property
    def version(self) -> str: ...
    @property
    def headers(self) -> Pairs: ...
    @property
    def body(self) -> bytes | None: ...
    @property
    def elapsed(self) -> float: ...
    def report(self) -> Mapping[str, Any]: ...


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


class Response(Payload):
    """A response; by hand as `Response(200, json=…)`, from the network by `of_answer`.

    `content`, `text` and `json()` need it read, as it is unless it was asked for as a stream;
    `iter_…` and `aiter_…` read it piece by piece.
    """

    # A dict, too: people hang things of their own on responses.
    __slots__ = (
        "__dict__",
        "__weakref__",
        "_answer",
        "_cookies",
        "_elapsed",
        "_extensions",
        "_headers",
        "_history",
        "next_request",
        "status_code",
    )

    _answer: Answer | None
    _cookies: Cookies | None
    _elapsed: dt.timedelta | None
    _extensions: dict[str, Any] | None
    _headers: Headers | None
    _history: "list[Response] | None"
    next_request: Request | None  # where redirects are not followed: what would have come next
    status_code: int

    def __init__(
        self,
        status_code: int,
        *,
        headers: "HeaderTypes | None" = None,
        content: Content | None = None,
        text: str | None = None,
        html: str | None = None,
        json: Any = None,
        stream: SyncByteStream | AsyncByteStream | Body | None = None,
        request: Request | None = None,
        extensions: Mapping[str, Any] | None = None,
        history: list["Response"] | None = None,
        default_encoding: str | Callable[[bytes], str] = "utf-8",
    ) -> None:
        self._blank(status_code, request, default_encoding)
        given = Headers(headers)
        self._headers = given
        self._extensions = dict(extensions or {})
        self._history = list(history or ())
        self.is_closed = self.is_stream_consumed = False
        self.stream = stream
        if stream is None:
            asked, body = encode_response(content, text, html, json)
            for key, value in asked.items():
                if key == "Transfer-Encoding" and "Content-Length" in given:
                    continue
                given.setdefault(key, value)
            self.stream = body
            if body.whole is not None:
                self.read()
                self._received = 0

    def _blank(
        self,
        status_code: int,
        request: Request | None,
        default_encoding: str | Callable[[bytes], str],
    ) -> None:
        self.status_code = status_code
        self.default_encoding = default_encoding
        self._request = request
        self.stream = self._content = self._encoding = self._text = self._answer = None
        self._cookies = self._elapsed = self._extensions = self._headers = None
        self._history = self.next_request = None
        self._received = 0

    @classmethod
    def of_answer(
        cls,
        answer: Answer,
        request: Request | None,
        default_encoding: str | Callable[[bytes], str],
        stream: object = None,
    ) -> "Response":
        """Of a native answer; the head is read when it is asked for. Without a stream its body is
        whole, and taken as it is: call `decode_whole` if it has a content coding.
        """
        self = cls.__new__(cls)
        self._answer = answer
        self.status_code = answer.status
        self.default_encoding = default_encoding
        self._request = request
        self.stream = stream
        if stream is None:
            self._content = body = answer.body or b""
            self._received = len(body)
            self.is_closed = self.is_stream_consumed = True
        else:
            self._content = None
            self._received = 0
            self.is_closed = self.is_stream_consumed = False
        self._headers = self._extensions = self._history = self.next_request = None
        self._text = self._encoding = self._elapsed = self._cookies = None
        return self

    @property
    def headers(self) -> Headers:
        if self._headers is None:
            self._headers = Headers.of_wire(cast("Answer", self._answer).headers)
        return self._headers

    @headers.setter
    def headers(self, headers: HeaderTypes) -> None:
        self._headers = Headers(headers)

    @property
    def extensions(self) -> dict[str, Any]:
        """`http_version` and `reason_phrase` as bytes, and what people put there."""
        if self._extensions is None:
            answer = cast("Answer", self._answer)
            version = answer.version.encode("ascii")
            self._extensions = {"http_version": version, "reason_phrase": answer.reason}
        return self._extensions

    @extensions.setter
    def extensions(self, extensions: dict[str, Any]) -> None:
        self._extensions = extensions

    @property
    def history(self) -> list["Response"]:
        """The redirects that led here, in order."""
        if self._history is None:
            self._history = []
        return self._history

    @history.setter
    def history(self, history: list["Response"]) -> None:
        self._history = history

    @property
    def request(self) -> Request:
        """The request that this answers; RuntimeError if it was made without one."""
        if self._request is None:
            raise RuntimeError("the response has no request: it was made without one")
        return self._request

    @request.setter
    def request(self, request: Request) -> None:
        self._request = request

    @property
    def url(self) -> URL:
        """Whom the request was for; after redirects, the last."""
        return self.request.url

    @property
    def http_version(self) -> str:
        version: bytes = self.extensions.get("http_version", b"HTTP/1.1")
        return version.decode("ascii", errors="ignore")

    @property
    def reason_phrase(self) -> str:
        phrase: bytes | None = self.extensions.get("reason_phrase")
        if phrase is None:
            return _phrase(self.status_code)
        return phrase.decode("ascii", errors="ignore")

    @property
    def elapsed(self) -> dt.timedelta:
        """From the request's sending to the end of the response; RuntimeError before that."""
        if self._elapsed is None:
            if self._answer is None or not self.is_closed:
                raise RuntimeError("`elapsed` is known when the response has been read or closed")
            self._elapsed = dt.timedelta(seconds=self._answer.elapsed)
        return self._elapsed

    @elapsed.setter
    def elapsed(self, elapsed: dt.timedelta) -> None:
        self._elapsed = elapsed

    @property
    def attempts(self) -> tuple[Attempt, ...]:
        """Every try, in order; the last one gave this response. None of one made by hand."""
        report = {} if self._answer is None else self._answer.report()
        return tuple(map(Attempt.from_json, report.get("attempts") or ()))

    @property
    def is_informational(self) -> bool:
        return self.status_code // 100 == 1

    @property
    def is_success(self) -> bool:
        return self.status_code // 100 == 2  # noqa: PLR2004 (the first digit)

    @property
    def is_redirect(self) -> bool:
        """Whether it is a 3xx; `has_redirect_location` says whether it leads somewhere."""
        return self.status_code // 100 == 3  # noqa: PLR2004

    @property
    def is_client_error(self) -> bool:
        return self.status_code // 100 == 4  # noqa: PLR2004

    @property
    def is_server_error(self) -> bool:
        return self.status_code // 100 == 5  # noqa: PLR2004

    @property
    def is_error(self) -> bool:
        return self.is_client_error or self.is_server_error

    @property
    def has_redirect_location(self) -> bool:
        """Whether it redirects, and says where to."""
        return self.status_code in _REDIRECTS and "Location" in self.headers

    @property
    def cookies(self) -> Cookies:
        """What this response sets, as far as its host may."""
        if self._cookies is None:
            self._cookies = Cookies()
            self._cookies.extract_cookies(self)
        return self._cookies

    @property
    def links(self) -> dict[str | None, dict[str, str]]:
        """The Link headers, by `rel` or by URL."""
        header: str | None = self.headers.get("link")
        return {} if header is None else links_of(header)

    def raise_for_status(self) -> Self:
        """Raises HTTPStatusError unless the status is a 2xx; returns the response."""
        if self._request is None:
            raise RuntimeError("`raise_for_status` needs a request, but the response has none")
        if self.is_success:
            return self
        kind = _KINDS.get(self.status_code // 100, "Invalid status code")
        url = self._request.url.shown
        lines = [f"{kind} '{self.status_code} {self.reason_phrase}' for url '{url}'"]
        if self.has_redirect_location:
            lines.append(f"Redirect location: '{self.headers['location']}'")
        lines.append(f"For more information check: {_MORE}{self.status_code}")
        raise HTTPStatusError("\n".join(lines), request=self._request, response=self)

    def __repr__(self) -> str:
        return f"<Response [{self.status_code} {self.reason_phrase}]>"

    def __getstate__(self) -> dict[str, Any]:
        """Without the stream; of the extensions only what `http_version` and the like show."""
        shown = {
            key: value
            for key, value in self.extensions.items()
            if key in ("http_version", "reason_phrase")
        }
        known = self._elapsed is not None or (self._answer is not None and self.is_closed)
        return {
            **self.__dict__,
            "status_code": self.status_code,
            "default_encoding": self.default_encoding,
            "next_request": self.next_request,
            "is_stream_consumed": self.is_stream_consumed,
            "_headers": self.headers,
            "_extensions": shown,
            "_history": self.history,
            "_request": self._request,
            "_elapsed": self.elapsed if known else None,
            "_encoding": self._encoding,
            "_content": self._content,
            "_received": self._received,
        }

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._blank(state["status_code"], None, "utf-8")
        for name, value in state.items():
            setattr(self, name, value)
        self.is_closed = True
        self.stream = UnattachedStream()
