"""The exceptions of Surehop.

SurehopError
├── ConfigError          the configuration asks for what can't be done: where, hint
│   └── ConfigErrors     all that is wrong with it, in the order nginx would meet it
├── OptionError          the command line asks for what there is not
├── PlanError            an option that makes no plan: a bad `--resolve`
├── StartError           the system refuses what the plan asks for
│   └── AddressInUseError
├── HTTPError            a request of the client's failed: code, phase, evidence, attempts …
│   ├── RequestError     no response that could be used came of it
│   │   ├── TransportError
│   │   │   ├── TimeoutException
│   │   │   │   ├── ConnectTimeout
│   │   │   │   ├── ReadTimeout
│   │   │   │   ├── WriteTimeout
│   │   │   │   ├── PoolTimeout
│   │   │   │   └── TotalTimeout
│   │   │   ├── NetworkError
│   │   │   │   ├── ConnectError
│   │   │   │   │   ├── ResolveError
│   │   │   │   │   ├── TLSError
│   │   │   │   │   │   └── CertificateError
│   │   │   │   │   └── NoLiveUpstream
│   │   │   │   ├── ReadError
│   │   │   │   │   └── ConnectionClosed
│   │   │   │   ├── WriteError
│   │   │   │   └── CloseError
│   │   │   ├── ProtocolError
│   │   │   │   ├── LocalProtocolError
│   │   │   │   └── RemoteProtocolError
│   │   │   │       └── ConnectionClosed
│   │   │   ├── ProxyError
│   │   │   └── UnsupportedProtocol
│   │   ├── DecodingError
│   │   └── TooManyRedirects
│   └── HTTPStatusError
├── InvalidURL
├── CookieConflict
└── StreamError
    ├── StreamConsumed
    ├── StreamClosed
    ├── ResponseNotRead
    └── RequestNotRead

The names from `HTTPError` down are httpx's, where it has them.
"""

# ruff: noqa: N818  (httpx's names)

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

if TYPE_CHECKING:  # for who reads what an error carries; nobody waits for it who raises one
    from surehop.client.request import Request
    from surehop.client.response import Response
    from surehop.events import Attempt, Evidence, Phase


def _revive(kind: type[BaseException], words: tuple[object, ...]) -> BaseException:
    """Make an exception anew without its `__init__`, which may ask for more than its words."""
    return kind.__new__(kind, *words)


class SurehopError(Exception):
    """Base of all; `hint` says what to do, where something can be done."""

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __reduce__(self) -> tuple[Callable[..., BaseException], tuple[Any, ...], Mapping[str, Any]]:
        return _revive, (type(self), self.args), self.__dict__


COMMAND_LINE = "command line"  # stands for a file where `-g` is read, which has no lines


class ConfigError(SurehopError):
    """One thing wrong with a configuration. `str()` is nginx's wording, ` in FILE:LINE` included.

    `line` and `column` count from 1, `column` in characters; `line` is None where nginx names no
    line either, `file` is empty where it names no place.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str,
        line: int | None,
        column: int | None = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line
        self.column = column

    @property
    def errors(self) -> tuple["ConfigError", ...]:
        return (self,)

    def __str__(self) -> str:
        if not self.file:
            return self.message
        bare = self.line is None or self.file == COMMAND_LINE
        place = self.file if bare else f"{self.file}:{self.line}"
        return f"{self.message} in {place}"


class ConfigErrors(ConfigError):
    """All errors of one reading; as an exception it speaks for the first, which is nginx's."""

    def __init__(self, errors: Sequence[ConfigError]) -> None:
        first = errors[0]
        super().__init__(
            first.message, file=first.file, line=first.line, column=first.column, hint=first.hint
        )
        self._errors = tuple(errors)

    @property
    def errors(self) -> tuple[ConfigError, ...]:
        return self._errors

    def __str__(self) -> str:
        return "\n".join(str(error) for error in self._errors)


class OptionError(SurehopError):
    """A word of the command line that means nothing; the text is nginx's."""


class PlanError(SurehopError):
    """An option that can't be part of any plan."""


class StartError(SurehopError):
    """The system refuses: a port is taken, a file can't be opened, a user doesn't exist."""


class AddressInUseError(StartError):
    """A listening address belongs to another process."""


class HTTPError(SurehopError):
    """A request failed. The text is one sentence, with a hint where there is something to do.

    `code` is Node's word (ECONNRESET, ENOTFOUND, …), or None for an error that somebody made by
    hand; `evidence` is what was seen, None where nothing was sent; `response` is None unless one
    came. `request` raises RuntimeError where none was ever set.
    """

    default_code: ClassVar[str | None] = None

    def __init__(
        self,
        message: str = "",
        *,
        request: "Request | None" = None,
        response: "Response | None" = None,
        code: str | None = None,
        evidence: "Evidence | None" = None,
        hint: str | None = None,
    ) -> None:
        super().__init__(message, hint=hint)
        self._request = request
        self.response = response
        self.code = code or (evidence.code if evidence else None) or self.default_code
        self.evidence = evidence

    @property
    def request(self) -> "Request":
        if self._request is None:
            raise RuntimeError("the error has no request: it was made without one")
        return self._request

    @request.setter
    def request(self, request: "Request") -> None:
        self._request = request

    @property
    def phase(self) -> "Phase | None":
        """Where it was when it failed."""
        return self.evidence.phase if self.evidence else None

    @property
    def attempts(self) -> "tuple[Attempt, ...]":
        """Every try, in order."""
        return self.evidence.attempts if self.evidence else ()

    def __str__(self) -> str:
        return f"{self.message}\nhint: {self.hint}" if self.hint else self.message


class RequestError(HTTPError):
    """No response that could be used came of it."""


class TransportError(RequestError):
    """Between here and there."""


class TimeoutException(TransportError):
    """A time-out ran out."""

    default_code = "ECONNABORTED"


class ConnectTimeout(TimeoutException):
    """No connection in time."""

    default_code = "ETIMEDOUT"


class ReadTimeout(TimeoutException):
    """Nothing was received for too long."""


class WriteTimeout(TimeoutException):
    """Nothing of the request was accepted for too long."""


class PoolTimeout(TimeoutException):
    """No connection became free in time."""


class TotalTimeout(TimeoutException):
    """The time for all tries and waits is over."""


class NetworkError(TransportError):
    """A connection could not be made, or broke."""


class ConnectError(NetworkError):
    """No connection could be made."""


class ResolveError(ConnectError):
    """The name gave no address."""

    default_code = "ENOTFOUND"


class TLSError(ConnectError):
    """The TLS handshake failed."""

    default_code = "EPROTO"


class CertificateError(TLSError):
    """The server's certificate is not trusted."""

    default_code = "UNABLE_TO_VERIFY_LEAF_SIGNATURE"


class NoLiveUpstream(ConnectError):
    """Every peer of the upstream is out, or was tried."""

    default_code = "ERR_NO_LIVE_UPSTREAM"


class ReadError(NetworkError):
    """The connection broke while the response was awaited or read."""

    default_code = "ECONNRESET"


class WriteError(NetworkError):
    """The connection broke while the request was sent."""

    default_code = "EPIPE"


class CloseError(NetworkError):
    """The client was closed under the request."""

    default_code = "ERR_CANCELED"


class ProtocolError(TransportError):
    """Somebody does not speak HTTP."""


class LocalProtocolError(ProtocolError):
    """The request is not valid HTTP."""

    default_code = "ERR_INVALID_CHAR"


class RemoteProtocolError(ProtocolError):
    """The response is not valid HTTP."""

    default_code = "HPE_INVALID_CONSTANT"


class ConnectionClosed(ReadError, RemoteProtocolError):
    """The server closed (FIN) or reset (RST) the connection where an answer was due."""

    default_code = "ECONNRESET"


class ProxyError(TransportError):
    """The proxy refused."""

    default_code = "ECONNREFUSED"


class UnsupportedProtocol(TransportError):
    """The URL's scheme is neither `http` nor `https`."""

    default_code = "ERR_INVALID_PROTOCOL"


class DecodingError(RequestError):
    """The response's body does not keep what its `Content-Encoding` says."""

    default_code = "ERR_BAD_RESPONSE"


class TooManyRedirects(RequestError):
    """More redirects than `max_redirects`."""

    default_code = "ERR_FR_TOO_MANY_REDIRECTS"


class HTTPStatusError(HTTPError):
    """A response came, and its status is an error; made by `Response.raise_for_status`."""

    response: "Response"

    def __init__(
        self,
        message: str,
        *,
        request: "Request",
        response: "Response",
        code: str | None = None,
        evidence: "Evidence | None" = None,
    ) -> None:
        server = response.status_code >= 500  # noqa: PLR2004
        super().__init__(
            message,
            request=request,
            response=response,
            code=code or ("ERR_BAD_RESPONSE" if server else "ERR_BAD_REQUEST"),
            evidence=evidence,
        )


class InvalidURL(SurehopError):
    """A text that is no URL."""


class CookieConflict(SurehopError):
    """Several cookies have the name: say which `domain` or `path` is meant."""


class StreamError(SurehopError, RuntimeError):
    """A body was read when it could not be."""

    def __init__(self, message: str = "", *, hint: str | None = None) -> None:
        super().__init__(message or self.default_message, hint=hint)

    default_message: ClassVar[str] = "the body can't be read"


class StreamConsumed(StreamError):
    """A body that comes once was asked for a second time."""

    default_message = (
        "the body was read or sent already, and it can't be begun again\n"
        "hint: give bytes or a file that can seek, or `read()` it first"
    )


class StreamClosed(StreamError):
    """A body was asked for after it had been closed."""

    default_message = "the body was closed before it was read"


class ResponseNotRead(StreamError):
    """The response's `content` was asked for before it had been read."""

    default_message = "the response has not been read\nhint: `read()` or `await aread()` it first"


class RequestNotRead(StreamError):
    """The request's `content` was asked for before it had been read."""

    default_message = "the request has not been read\nhint: `read()` or `await aread()` it first"
