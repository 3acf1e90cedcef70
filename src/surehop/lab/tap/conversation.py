"""Follows the requests and answers of one connection in the bytes that pass. No I/O, no clock."""

from collections import deque
from collections.abc import Callable

from surehop.lab.tap.framing import (
    Body,
    ChunkedBody,
    Head,
    HeadReader,
    NotHttpError,
    request_line,
    status_of,
)
from surehop.lab.tap.record import Burst, Connection, Exchange, Moment, Side

_SWITCHING = 101
_OK = range(200, 300)
_INTERIM = range(100, 200)
_BODILESS = (204, 304)
UNASKED = "-"


class Conversation:
    """Fed with what each side sends, it fills the connection's record.

    `told` gets each exchange once, when it is over or the connection ends. `at` is in seconds
    since the connection was accepted.
    """

    def __init__(self, record: Connection, told: Callable[[Exchange], None]) -> None:
        self._record = record
        self._told = told
        self._request_head = HeadReader(request=True)
        self._request_body: Body | None = None
        self._response_head = HeadReader(request=False)
        self._response_body: Body | None = None
        self._sending: Exchange | None = None
        self._open: deque[Exchange] = deque()  # begun, and not answered to the end
        self._answering: Exchange | None = None
        self._rested_since: float | None = None
        self._piped: int | None = None  # bytes of a head of which the method is not known yet
        self._piped_at = 0.0
        self._upstream_ended = False

    def moment(self) -> Moment:
        record = self._record
        if record.connected is None and record.tries:
            return Moment.CONNECTING
        if record.opaque:
            return Moment.OPAQUE
        if self._answering:
            return Moment.RESPONSE
        if self._open:
            return Moment.WAITING if self._open[0].sent is not None else Moment.REQUEST
        if self._piped is not None:
            return Moment.REQUEST
        return Moment.IDLE if record.requests else Moment.FRESH

    def rested(self, at: float) -> float | None:
        """How long nothing has been under way."""
        if self._open or self._piped is not None or self._record.opaque:
            return None
        return None if self._rested_since is None else at - self._rested_since

    def number(self) -> int:
        """The request under way, or the last one."""
        return self._open[0].number if self._open else self._record.requests

    def from_client(self, data: bytes, at: float) -> None:
        if self._record.opaque:
            self._burst(Side.CLIENT, len(data), at)
            return
        try:
            self._requests(data, at)
        except NotHttpError as error:
            self._give_up(f"from the client: {error}", Side.CLIENT, len(data), at)

    def from_upstream(self, data: bytes, at: float) -> None:
        if self._record.opaque:
            self._burst(Side.UPSTREAM, len(data), at)
            return
        try:
            self._responses(data, at)
        except NotHttpError as error:
            self._give_up(f"from the upstream: {error}", Side.UPSTREAM, len(data), at)

    def upstream_fin(self, at: float) -> None:
        """Ends an answer that had no length."""
        self._upstream_ended = True
        answering, body = self._answering, self._response_body
        if answering and body and body.until_close:
            self._answered(answering, at)

    def upstream_gone(self) -> None:
        """What is asked from now on comes too late."""
        self._upstream_ended = True

    def end(self) -> None:
        """Tell of what stays unanswered."""
        while self._open:
            self._told(self._open.popleft())

    def _requests(self, data: bytes, at: float) -> None:
        position = 0
        while position < len(data):
            sending = self._sending
            if sending and self._request_body:
                behind = self._request_body.feed(data, position)
                sending.request_bytes += behind - position
                position = behind
                if not self._request_body.ended:
                    return
                self._sent(sending, at)
                continue
            if self._request_head.empty and not data[position:].strip(b"\r\n"):
                return  # line ends between requests are none
            read = self._request_head.feed(data, position)
            if self._piped is None:
                self._piped, self._piped_at = 0, at
            if read is None:
                self._piped += len(data) - position
                return
            head, position = read
            self._request(head, at)

    def _request(self, head: Head, at: float) -> None:
        record, begun = self._record, self._piped_at
        self._piped = None
        record.requests += 1
        method, target = request_line(head)
        exchange = Exchange(
            record.requests,
            method,
            target,
            begun,
            idle=self.rested(begun) if record.requests > 1 else None,
            late=self._upstream_ended,
            request_bytes=head.size,
            closing="client" if head.close else None,
        )
        record.exchanges.append(exchange)
        self._open.append(exchange)
        self._sending = exchange
        if head.chunked:
            self._request_body = ChunkedBody()
        elif head.length:
            self._request_body = Body(head.length)
        else:
            self._sent(exchange, at)

    def _sent(self, exchange: Exchange, at: float) -> None:
        exchange.sent = at
        self._sending = self._request_body = None

    def _responses(self, data: bytes, at: float) -> None:
        position = 0
        while position < len(data):
            answering = self._answering
            if answering and self._response_body:
                behind = self._response_body.feed(data, position)
                answering.response_bytes += behind - position
                position = behind
                if not self._response_body.ended:
                    return
                self._answered(answering, at)
                continue
            if not self._open:
                self._unasked(at)
            exchange = self._open[0]
            if exchange.head is None:
                exchange.head = at
            self._answering = exchange
            begun = position
            read = self._response_head.feed(data, position)
            if read is None:
                exchange.response_bytes += len(data) - begun
                return
            head, position = read
            exchange.response_bytes += position - begun
            self._response(exchange, head, at)
            if self._record.opaque:
                if position < len(data):
                    self._burst(Side.UPSTREAM, len(data) - position, at)
                return

    def _unasked(self, at: float) -> None:
        """An answer to nothing, as a 408 for a request that never came."""
        exchange = Exchange(self._record.requests, UNASKED, UNASKED, at, sent=at)
        self._record.exchanges.append(exchange)
        self._open.append(exchange)

    def _response(self, exchange: Exchange, head: Head, at: float) -> None:
        status = status_of(head)
        if status in _INTERIM and status != _SWITCHING:
            exchange.interim += 1
            self._answering = None
            return
        exchange.status = status
        exchange.hint = head.hint
        if head.close:
            exchange.closing = exchange.closing or "upstream"
        if status == _SWITCHING or (exchange.method == "CONNECT" and status in _OK):
            self._answered(exchange, at)
            self._record.opaque = "upgraded" if status == _SWITCHING else "a tunnel"
        elif exchange.method == "HEAD" or status in _BODILESS:
            self._answered(exchange, at)
        elif head.chunked:
            self._response_body = ChunkedBody()
        elif head.length == 0:
            self._answered(exchange, at)
        else:
            self._response_body = Body(head.length)

    def _answered(self, exchange: Exchange, at: float) -> None:
        exchange.ended = at
        self._open.popleft()
        self._answering = self._response_body = None
        if exchange is self._sending:  # answered before it was sent: the rest of it is not followed
            exchange.sent = None
        if exchange.method != UNASKED:
            self._record.responses += 1
        self._rested_since = at
        self._told(exchange)

    def _give_up(self, why: str, side: Side, size: int, at: float) -> None:
        self._record.opaque = why
        self.end()
        self._sending = self._answering = None
        self._burst(side, size, at)

    def _burst(self, side: Side, size: int, at: float) -> None:
        bursts = self._record.bursts
        if bursts and bursts[-1].side is side:
            bursts[-1].size += size
            bursts[-1].ended = at
        else:
            bursts.append(Burst(side, at, at, size))
