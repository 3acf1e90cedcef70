"""One request over the transport: its body fed, its questions answered, its error told."""

import logging
import math
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

from surehop._core import Answer, Ask, Failure, Feed
from surehop.client.callables import call, call_for, name_of
from surehop.client.content import AsyncByteStream, SyncByteStream
from surehop.client.evidence import error_of, status_error_of
from surehop.client.hosts.host import Event, Host
from surehop.client.request import Request
from surehop.client.response import Response
from surehop.client.retry import FullJitter, Retry, retry_after
from surehop.errors import HTTPError, LocalProtocolError, StreamConsumed

logger = logging.getLogger("surehop")
_FIRST_ERROR: Final = 400
_LONGEST: Final = 1e9  # seconds: some thirty years


class Upload:
    """A body that is fed piece by piece, and held to its length."""

    def __init__(self, request: Request, length: int | None, *, is_async: bool) -> None:
        self._request = request
        self._length = length
        self._is_async = is_async
        self._source: Iterator[bytes] | AsyncIterator[bytes] | None = None
        self._given = 0
        body = request.stream
        if not hasattr(body, "__iter__") and not (is_async and hasattr(body, "__aiter__")):
            raise TypeError(
                "the request's body is an async stream, but the client is not\n"
                "hint: `AsyncClient` sends it"
            )

    async def next(self, *, restart: bool) -> bytes | None:
        """The next piece, None at the end. LocalProtocolError if its length was another."""
        if restart or self._source is None:
            self._source = self._begin()
            self._given = 0
        chunk = b""
        while chunk == b"":
            piece = await self._piece()
            if piece is None:
                self._check(at_end=True)
                return None
            chunk = piece
        self._given += len(chunk)
        self._check(at_end=False)
        return chunk

    def _begin(self) -> Iterator[bytes] | AsyncIterator[bytes]:
        body: Any = self._request.stream
        if self._is_async and hasattr(body, "__aiter__"):
            source: AsyncIterator[bytes] = aiter(body)
            return source
        found: Iterator[bytes] = iter(body)
        return found

    async def _piece(self) -> bytes | None:
        source = self._source
        if isinstance(source, AsyncIterator):
            return await anext(source, None)
        return None if source is None else next(source, None)

    def _check(self, *, at_end: bool) -> None:
        length, given = self._length, self._given
        if length is not None and (given > length or (at_end and given < length)):
            than = "more" if given > length else "fewer"
            raise LocalProtocolError(
                f"the body has {than} bytes than its `Content-Length: {length}`",
                request=self._request,
            )


class Exchange:
    """A request under way by its ticket."""

    def __init__(
        self,
        host: Host,
        request: Request,
        retry: Retry,
        upload: Upload | None,
        default_encoding: Any,
    ) -> None:
        self._host = host
        self._request = request
        self._retry = retry
        self._upload = upload
        self._default_encoding = default_encoding
        self._count = 0  # retries so far, as far as we were asked

    async def run(
        self, ticket: int, *, stream: bool, first: Event | None = None
    ) -> tuple[Response, int]:
        """Its response and the answer's marks; `first` is what came already.

        Raises what became of it instead, and gives the ticket up.
        """
        host = self._host
        event = first
        try:
            while True:
                if event is None:
                    event = await host.next(ticket)
                if isinstance(event, Answer):
                    return await self._answered(event, ticket, stream=stream), event.marks
                await self._react(ticket, event)
                event = None
        except BaseException:
            host.give_up(ticket)
            raise

    async def _react(self, ticket: int, event: Event) -> None:
        if isinstance(event, Failure):
            error = error_of(event.report(), self._request)
            logger.info("%s", error.message)
            await self._exhausted(error)
            raise error
        if isinstance(event, Ask):
            await self._decide(ticket, event)
        elif isinstance(event, Feed):
            await self._feed(ticket, event)
        else:
            raise TypeError(f"the transport told `{event!r}`")

    async def _feed(self, ticket: int, event: Feed) -> None:
        if self._upload is None:
            raise StreamConsumed
        chunk = await self._upload.next(restart=event.restart)
        self._host.transport.feed(ticket, chunk)

    async def _answered(self, answer: Answer, ticket: int, *, stream: bool) -> Response:
        body = None
        if stream:
            # A head alone, or a body that is read when it is asked for.
            kind = AsyncAnswerBody if self._host.is_async else SyncAnswerBody
            body = kind(self._host, ticket, self._request, whole=answer.body)
        response = Response.of_answer(answer, self._request, self._default_encoding, body)
        retry = self._retry
        if retry.validate is None and (retry.on_exhausted is None or response.is_success):
            return response
        valid = response.status_code < _FIRST_ERROR
        if retry.validate is not None:
            valid = await call_for(self._host.is_async, bool, "a bool", retry.validate, response)
        if valid:
            return response
        error = status_error_of(answer.report(), self._request, response)
        await self._exhausted(error)
        if retry.validate is not None:
            raise error
        return response

    async def _exhausted(self, error: HTTPError) -> None:
        retry = self._retry
        if retry.on_exhausted is not None and self._count >= retry.attempts:
            await call(self._host.is_async, retry.on_exhausted, error, self._count)

    async def _decide(self, ticket: int, ask: Ask) -> None:
        """Answer whether it goes again, and after how long."""
        retry, is_async = self._retry, self._host.is_async
        count = ask.count + 1  # of the retry that is asked about
        tell = self._host.transport.answer
        error = self._asked_about(ask)
        if retry.validate is not None and error.response is not None:
            if await call_for(is_async, bool, "a bool", retry.validate, error.response):
                tell(ticket, False, None)
                return
        elif error.response is not None and error.response.status_code < _FIRST_ERROR:
            tell(ticket, False, None)
            return
        if not await call_for(is_async, bool, "a bool", retry.when, error):
            tell(ticket, False, None)
            return
        wait: float | None = None
        if not isinstance(retry.delay, FullJitter):
            seconds = "a number of seconds"
            wait = await call_for(is_async, (int, float), seconds, retry.delay, count, error)
            if not math.isfinite(wait or 0.0):
                name = name_of(retry.delay)
                raise ValueError(f"`{name}` returned `{wait}`, but {seconds} is needed")
        asked_for = retry_after(error) if retry.respect_retry_after else 0.0
        longest = retry.max_retry_after
        if longest is not None and asked_for > longest:
            tell(ticket, False, None)
            return
        self._count = count
        if retry.on_retry is not None:
            await call(is_async, retry.on_retry, count, error, self._request)
        tell(
            ticket,
            True,
            None if wait is None else round(min(max(wait, asked_for, 0.0), _LONGEST) * 1000),
        )

    def _asked_about(self, ask: Ask) -> HTTPError:
        report = ask.report()
        answer = ask.answer
        if answer is not None:
            response = Response.of_answer(answer, self._request, self._default_encoding)
            return status_error_of(report, self._request, response)
        attempts: list[dict[str, Any]] = report.get("attempts") or [{}]
        status: int | None = attempts[-1].get("status")
        if report.get("cause") in (None, "status") and status:
            # Its body was too long to be held, or to be waited for.
            response = Response(status, request=self._request)
            return status_error_of(report, self._request, response)
        return error_of(report, self._request)


class _AnswerBody:
    """The rest of an answer, read as it is wanted."""

    def __init__(self, host: Host, ticket: int, request: Request, *, whole: bytes | None) -> None:
        self._host = host
        self._ticket = ticket
        self._request = request
        self._whole = whole
        self._over = whole is not None

    async def _next(self) -> bytes:
        """The next piece; empty at the end."""
        if self._whole is not None:
            whole, self._whole = self._whole, None
            return whole
        if self._over:
            return b""
        try:
            self._host.transport.read(self._ticket)
            event = await self._host.next(self._ticket)
        except BaseException:
            self._over = True
            raise
        if isinstance(event, bytes) and event:
            return event
        self._over = True
        if isinstance(event, Failure):
            raise error_of(event.report(), self._request)
        return b""

    def __del__(self) -> None:
        """Who drops an answer that was not read to its end has given it up."""
        if not getattr(self, "_over", True):
            self._give_up()

    def _give_up(self) -> None:
        if not self._over:
            self._over = True
            self._host.give_up(self._ticket)


class SyncAnswerBody(_AnswerBody, SyncByteStream):
    def __iter__(self) -> Iterator[bytes]:
        while chunk := run(self._next()):
            yield chunk

    def close(self) -> None:
        self._give_up()


class AsyncAnswerBody(_AnswerBody, AsyncByteStream):
    # No generator: one that is left in the middle is something to be cleaned up by the loop.
    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        if chunk := await self._next():
            return chunk
        raise StopAsyncIteration

    async def aclose(self) -> None:
        self._give_up()


def run(work: Any) -> Any:
    """What a coroutine returns that never suspends, as none of the sync client's does."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    work.close()
    raise RuntimeError(
        "something async was awaited in a sync client\nhint: `AsyncClient` is for that"
    )
