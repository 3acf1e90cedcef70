"""The client's flow, written once: defaults, interceptors, auth, redirects, cookies, decoding.

All of it is `async`. What it awaits comes from a host; the sync client's never suspends.
"""

import logging
from typing import Any, Final, Protocol

from surehop._core import Answer, Terms, Transport
from surehop.client import interceptors as chain
from surehop.client.authorizing import through_async, through_sync
from surehop.client.callables import call
from surehop.client.content import EMPTY
from surehop.client.exchange import Exchange, Upload
from surehop.client.framing import (
    IS_IDEMPOTENT,
    STREAM,
    UPLOAD,
    Line,
    frame,
    read_told,
    request_line,
)
from surehop.client.headers import Headers
from surehop.client.hosts.host import Host
from surehop.client.interceptors import Interceptors
from surehop.client.options import UNSET, Timeout
from surehop.client.redirects import redirect
from surehop.client.request import Request
from surehop.client.response import Response
from surehop.client.retry import Retry, read_retry
from surehop.client.routes import Routes, Ways
from surehop.client.sentences import said_of
from surehop.client.settings import Settings, refuse_unknown
from surehop.client.terms import TermsMaker
from surehop.client.url import URL
from surehop.errors import HTTPError, TooManyRedirects

logger = logging.getLogger("surehop")

SETS_COOKIE, REDIRECTS, ENCODED = 1, 2, 4  # the marks of an answer
_MOST_LINES: Final = 1024
# Header lines that have a say in how a request is framed or sent again.
_NOT_PLAIN: Final = ("Idempotency-Key", "Content-Length", "Expect", "Transfer-Encoding")


class Hosts(Protocol):
    """Gives the host of where it is called."""

    def find(self) -> Host: ...


class Core:
    """What `Client` and `AsyncClient` have in common: everything but who waits."""

    def __init__(
        self,
        settings: Settings,
        *,
        hosts: Hosts,
        transport: Transport,
        ways: Ways,
        retry: Retry,
        follow_redirects: bool,
        max_redirects: int,
        default_encoding: Any,
        tracer: Any = None,
    ) -> None:
        self.settings = settings
        self.tracer = tracer
        self.interceptors = Interceptors()
        self.retry = retry
        self.follow_redirects = follow_redirects
        self.max_redirects = max_redirects
        self.default_encoding = default_encoding
        self.closed = False
        self._hosts = hosts
        self._ways = ways
        self._terms = TermsMaker()
        self.begin(transport)

    def begin(self, transport: Transport) -> None:
        """Start with a transport, without anything of another."""
        self.transport = transport
        self._routes = Routes(transport, self._ways)
        self.forget_lines()
        self._plain: Terms | None = None
        self._plain_of: tuple[Timeout, Retry] | None = None

    def forget_lines(self) -> None:
        """What a URL means may have changed."""
        self._lines: dict[tuple[str, str], Line] = {}

    async def request(self, method: str, url: URL | str, options: dict[str, Any]) -> Response:
        """Build a request and send it."""
        if not options and (method == "GET" or method == "HEAD") and type(url) is str:  # noqa: PLR1714  quicker
            settings = self.settings
            hooks = settings.event_hooks
            if not (
                self.interceptors.request
                or self.interceptors.response
                or settings.auth
                or settings.params
                or hooks["request"]
                or hooks["response"]
                or self.tracer
                or settings.cookies.jar._cookies  # type: ignore[attr-defined] # noqa: SLF001  as quick as can be
            ):
                line = self._lines.get((method, url))
                if (
                    line is None
                    or line.source is not settings.headers._pairs  # noqa: SLF001
                    or line.epoch != self._routes.epoch
                ):
                    line = self._line(method, url)
                if line is not None:
                    return await self._send_line(line, method)
        return await self._send_built(method, url, options)

    def _line(self, method: str, url: str) -> Line | None:
        """Remember how a URL is asked for; None if it takes more than a line."""
        settings = self.settings
        merged = settings.merge_url(url)
        headers = settings.headers
        if merged.scheme not in ("http", "https") or not merged.host or merged.userinfo:
            return None
        if self._ways.upstreams or "Host" in headers:
            return None
        if any(name in headers for name in _NOT_PLAIN):
            return None
        epoch = self._routes.epoch
        route = self._routes.find(merged)
        if len(self._lines) >= _MOST_LINES:
            self._lines.clear()
        source = headers._pairs  # noqa: SLF001  replaced by every change, so it tells of one
        line = self._lines[method, url] = Line(method, merged, route, headers, source)
        line.epoch = epoch
        return line

    def _plain_terms(self) -> Terms:
        """Those of a request that says nothing about them."""
        of = self._plain_of
        timeout = self.settings.timeout
        if of is None or of[0] is not timeout or of[1] is not self.retry or self._plain is None:
            self._plain = self._terms.make(timeout, self.retry, idempotent=True)
            self._plain_of = (timeout, self.retry)
        return self._plain

    async def _send_line(self, line: Line, method: str) -> Response:
        if self.closed:
            raise RuntimeError("the client has been closed")
        host = self._hosts.find()
        transport = self.transport
        ticket = transport.send(
            line.target, self._plain_terms(), line.flags, line.line, line.rest, None
        )
        event: Any = await host.next(ticket)
        retry = self.retry
        request = Request.of_parts(method, line.url, Headers.of_wire(line.pairs), EMPTY, {})
        if type(event) is Answer and retry.is_plain_at_the_end:
            response = Response.of_answer(event, request, self.default_encoding)
            marks = event.marks
        else:
            exchange = Exchange(host, request, retry, None, self.default_encoding)
            response, marks = await exchange.run(ticket, stream=False, first=event)
        if logger.isEnabledFor(logging.INFO):
            _log(request, response)
        return await self._after(request, response, marks) if marks else response

    async def _after(self, request: Request, response: Response, marks: int) -> Response:
        """What a plain answer asks for: cookies, decoding, going elsewhere."""
        self._take(response, marks)
        if marks & REDIRECTS and response.has_redirect_location:
            follow = self.follow_redirects
            return await self._redirected(request, response, [], follow=follow, stream=False)
        return response

    def _take(self, response: Response, marks: int, *, stream: bool = False) -> None:
        """Keep its cookies, and unpack what is here whole."""
        if marks & SETS_COOKIE:
            self.settings.cookies.extract_cookies(response)
        if marks & ENCODED and not stream:
            response.decode_whole()

    async def _send_built(self, method: str, url: URL | str, options: dict[str, Any]) -> Response:
        sending = {
            name: options.pop(name)
            for name in ("auth", "follow_redirects", "retry", "stream")
            if name in options
        }
        refuse_unknown(options)
        return await self.send(self.settings.build(method, url, **options), **sending)

    async def send(
        self,
        request: Request,
        *,
        stream: bool = False,
        auth: Any = UNSET,
        follow_redirects: Any = UNSET,
        retry: Any = UNSET,
    ) -> Response:
        """Send a request as it is: interceptors, auth, redirects, retries."""
        if self.closed:
            raise RuntimeError("the client has been closed")
        if not isinstance(request, Request):
            raise TypeError(f"`send` takes a `surehop.Request`, not `{request!r}`")
        if retry is not UNSET:
            request.extensions["retry"] = read_retry(retry)
        following = self.follow_redirects if follow_redirects is UNSET else follow_redirects
        rows = self.interceptors
        if not rows:
            return await self._authorized(request, auth, follow=following, stream=stream)
        is_async = self._hosts.find().is_async
        before = await rows.request.chosen(is_async, request)
        after = await rows.response.chosen(is_async, request)
        begun = await chain.run(is_async, before, Request, request)
        changed, error = begun
        response: Response | None = None
        if changed is not None:
            try:
                response = await self._authorized(changed, auth, follow=following, stream=stream)
            except Exception as raised:  # noqa: BLE001  the response's side may end it
                error = raised
        came = await chain.run(is_async, after, Response, response or error)
        response, error = came
        if error is not None:
            raise error
        if response is None:
            raise AssertionError("the interceptors gave neither a response nor an error")
        return response

    async def _authorized(
        self, request: Request, auth: Any, *, follow: bool, stream: bool
    ) -> Response:
        flow = self.settings.auth_for(request, auth)
        if flow is None:
            return await self._sent(request, [], follow=follow, stream=stream)

        async def send(request: Request, history: list[Response]) -> Response:
            return await self._sent(request, history, follow=follow, stream=stream)

        through = through_async if self._hosts.find().is_async else through_sync
        return await through(flow, request, send)

    async def _sent(
        self, request: Request, history: list[Response], *, follow: bool, stream: bool
    ) -> Response:
        response = await self._one(request, stream=stream)
        response.history = list(history)
        if not response.has_redirect_location:
            return response
        return await self._redirected(request, response, history, follow=follow, stream=stream)

    async def _redirected(
        self,
        request: Request,
        response: Response,
        history: list[Response],
        *,
        follow: bool,
        stream: bool,
    ) -> Response:
        """Go on from a redirect as far as it leads; or say what would come next."""
        is_async = self._hosts.find().is_async
        try:
            while response.has_redirect_location:
                request = redirect(request, response)
                self.settings.cookies.set_cookie_header(request)
                if not follow:
                    response.next_request = request
                    return response
                await _read(response, is_async=is_async)
                history = [*history, response]
                self._check_redirects(request, response, len(history))
                response = await self._one(request, stream=stream)
                response.history = list(history)
        except BaseException:
            await _close(response, is_async=is_async)
            raise
        return response

    def _check_redirects(self, request: Request, response: Response, count: int) -> None:
        if count > self.max_redirects:
            raise TooManyRedirects(
                f"{said_of(request)}: more than {self.max_redirects} redirects",
                request=request,
                response=response,
            )

    async def _one(self, request: Request, *, stream: bool) -> Response:
        """Send one request, with its retries."""
        hooks = self.settings.event_hooks
        host = self._hosts.find()
        for hook in hooks["request"]:
            await call(host.is_async, hook, request)
        response, marks = await self._exchange(host, request, stream=stream)
        try:
            self._take(response, marks, stream=stream)
            for hook in hooks["response"]:
                await call(host.is_async, hook, response)
        except BaseException:
            await _close(response, is_async=host.is_async)
            raise
        return response

    async def deliver(self, request: Request, *, stream: bool) -> Response:
        """Send a request as it is, with its retries, and give its answer as it came.

        For other libraries' clients: nothing is merged in, followed, remembered or decoded.
        """
        if self.closed:
            raise RuntimeError("the client has been closed")
        response, _ = await self._exchange(self._hosts.find(), request, stream=stream)
        return response

    async def _exchange(
        self, host: Host, request: Request, *, stream: bool
    ) -> tuple[Response, int]:
        spans = self.tracer.begin(request) if self.tracer else None
        try:
            response, marks = await self._over_the_wire(host, request, stream=stream)
        except BaseException as error:
            if isinstance(error, HTTPError) and error._request is None:  # noqa: SLF001
                error.request = request
            if spans:
                spans.failed(error)
            raise
        if spans:
            spans.answered(response)
        if logger.isEnabledFor(logging.INFO):
            _log(request, response)
        return response, marks

    async def _over_the_wire(
        self, host: Host, request: Request, *, stream: bool
    ) -> tuple[Response, int]:
        retry = read_retry(request.extensions.get("retry", self.retry))
        told = request.extensions.get("timeout")
        timeout = self.settings.timeout if told is None else read_told(told)
        route = self._routes.find(request.url, request.extensions.get("sni_hostname"))
        line = request_line(request.method, request.url, route)
        flags, rest = frame(request, route, retry)
        upload = None
        if flags & UPLOAD:
            length = request.headers.get("content-length")
            upload = Upload(request, int(length) if length else None, is_async=host.is_async)
        body = None if upload else request.stream.whole or None
        terms = self._terms.make(timeout, retry, idempotent=bool(flags & IS_IDEMPOTENT))
        if stream:
            flags |= STREAM
        ticket = self.transport.send(route.target, terms, flags, line, rest, body)
        exchange = Exchange(host, request, retry, upload, self.default_encoding)
        return await exchange.run(ticket, stream=stream)


async def _read(response: Response, *, is_async: bool) -> None:
    if is_async:
        await response.aread()
    else:
        response.read()


async def _close(response: Response, *, is_async: bool) -> None:
    if response.is_closed:
        return
    if is_async:
        await response.aclose()
    else:
        response.close()


def _log(request: Request, response: Response) -> None:
    """Without headers, bodies, user and query: none of them is for a log."""
    logger.info("%s %s %s", said_of(request), response.http_version, response.status_code)
