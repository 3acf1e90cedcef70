"""One connection of an origin: requests in, answers or faults out."""

import asyncio
import contextlib
import math
import time
from collections.abc import Sequence
from http import HTTPStatus
from random import Random
from typing import Protocol

from surehop.lab.origins.behaviour import Behaviour
from surehop.lab.origins.faults import Fault
from surehop.lab.origins.heads import (
    GARBAGE,
    chunk,
    head_of,
    late,
    refused,
    status_line,
    two_lengths,
)
from surehop.lab.origins.inbox import Arrivals, ClientGoneError, EnoughError, Inbox
from surehop.lab.origins.pages import Page, busy, nothing, page
from surehop.lab.origins.profiles import Manner
from surehop.lab.origins.request import Body, InvalidRequestError, Request
from surehop.lab.sockets import reset_on_close
from surehop.lab.toxics import CutError, Pipe, Toxic

_LINGER = 5.0  # seconds
_STEPS = 20  # in which something slow is sent
_EARLY = b"Link: </style.css>; rel=preload\r\n"


class House(Protocol):
    """What a connection needs of its origin."""

    random: Random
    toxics: Sequence[Toxic]
    changed: asyncio.Event
    opened: float  # when it began, by the monotonic clock

    @property
    def behaviour(self) -> Behaviour: ...

    @property
    def crowded(self) -> bool:
        """More connections are open than max_connections allows."""

    def begun(self, connection: "Connection") -> Fault | None:
        """The fault that meets the request that begins, before anything of it is known."""

    def arrived(self, connection: "Connection", request: Request) -> Fault | None:
        """Count the request; the fault that meets it."""


class Connection:
    """A client's connection, served until one side has had enough."""

    def __init__(
        self, house: House, number: int, reader: Arrivals, writer: asyncio.StreamWriter
    ) -> None:
        self.number = number
        self.requests = 0
        self.idle = True
        self.ended: tuple[str, str] | None = None  # by `client` or `server` first, and how
        self._house = house
        self._out = Pipe(house, "downstream")
        self._reader = reader
        self._inbox = Inbox(reader, Pipe(house, "upstream"))
        self._writer = writer
        self._answered = 0.0  # when the answer under way began, by the loop's clock
        # drain() then means that the kernel has everything, so a reset cuts where it is meant to.
        writer.transport.set_write_buffer_limits(high=0)

    def close(self, how: str) -> None:
        """End the connection now: `fin` sends what is pending first, `rst` forgets it."""
        self.ended = self.ended or ("server", how)
        if how == "rst":
            reset_on_close(self._writer.get_extra_info("socket"))
            self._writer.transport.abort()
        else:
            self._writer.close()

    async def serve(self, met: Fault | None = None) -> None:
        """Until it ends. met: what it met when it was accepted."""
        try:
            if met:
                await self._stall(met)
                return
            while await self._waits() and await self._exchange():
                pass
            await self._out.ended()
        except InvalidRequestError as error:
            with contextlib.suppress(ConnectionError, CutError):
                await self._refuse(error)
        except CutError as cut:
            self.close(cut.how)
        except ClientGoneError:
            self._gone("fin")
        except ConnectionError:
            self._gone("rst")
        finally:
            self.close("fin")

    def _gone(self, how: str) -> None:
        self.ended = self.ended or ("client", how)

    async def _hang(self) -> None:
        await self._inbox.end()
        self._gone("fin")

    async def _stall(self, fault: Fault) -> None:
        if fault.kind == "hang":
            await self._hang()
        else:
            self._writer.transport.pause_reading()  # type: ignore[attr-defined]
            await asyncio.Event().wait()

    async def _refuse(self, error: InvalidRequestError) -> None:
        behaviour = self._house.behaviour
        await self._send(refused(error, behaviour))
        if behaviour.manner.refusal.lingers:
            self._writer.write_eof()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LINGER):
                    await self._inbox.end()
        elif self._reader.waiting:
            self.close("rst")  # what the kernel does for a server that has not read it

    async def _waits(self) -> bool:
        """Wait for the next request; False when the connection ends instead."""
        self.idle = True
        try:
            if self.requests:
                begins = await self._stays()
            else:
                async with asyncio.timeout_at(self._until(self._house.behaviour.head_timeout)):
                    begins = await self._inbox.begins()
        except TimeoutError:
            await self._late()
            return False
        else:
            if not begins:
                self._gone("fin")
            return begins
        finally:
            self.idle = False

    async def _stays(self) -> bool:
        """Wait for another request, for as long as an idle connection is kept."""
        # The clock starts when a response is finished, as Node's does, so not before the first.
        behaviour = self._house.behaviour
        if not behaviour.keepalive_timeout:
            return await self._inbox.begins()
        loop = asyncio.get_running_loop()
        now = loop.time()
        if behaviour.manner.whole_milliseconds:
            now = math.floor(now * 1000) / 1000
        jitter = behaviour.idle_jitter * self._house.random.uniform(-1, 1)
        span = behaviour.keepalive_timeout + behaviour.buffer + jitter
        wait = asyncio.timeout(None)
        end = self._look_at(now + max(span, 0.0), behaviour.manner.idle_looks)
        timer = loop.call_at(end, self._expire, wait)
        try:
            async with wait:
                return await self._inbox.begins()
        except TimeoutError:
            await self._out.ended()
            self.close(self._house.behaviour.idle_close)
            return False
        finally:
            timer.cancel()

    def _expire(self, wait: asyncio.Timeout) -> None:
        # A request that came in this turn of the loop came in time, though nobody has read it yet;
        # and what comes from now on is to meet a closed socket.
        if self._reader.waiting:
            return
        if self._out.clear:
            self.close(self._house.behaviour.idle_close)
        else:
            wait.reschedule(0)

    def _until(self, limit: float) -> float | None:
        """When something that begins now has taken too long, by the loop's clock; None: never."""
        if not limit:
            return None
        return self._look_at(time.monotonic() + limit, self._house.behaviour.check_interval)

    def _look_at(self, moment: float, interval: float) -> float:
        """When a server sees that a moment has come that looks so often; 0: at once."""
        if not interval:
            return moment
        opened = self._house.opened
        return opened + math.ceil((moment - opened) / interval) * interval

    async def _late(self) -> None:
        if self._house.behaviour.manner.answers_late:
            await self._send(late(self._house.behaviour))

    async def _exchange(self) -> bool:
        """One request and its answer; whether the connection goes on."""
        self.requests += 1
        early = self._house.begun(self)
        behaviour = self._house.behaviour
        whole = self._until(behaviour.request_timeout)
        try:
            with self._inbox.up_to(early.after if early else None):
                async with asyncio.timeout_at(_sooner(whole, self._until(behaviour.head_timeout))):
                    request = await self._head(behaviour.manner)
                fault = self._house.arrived(self, request)
                behaviour = self._house.behaviour
                async with asyncio.timeout_at(whole):
                    body = await self._body(request, fault)
        except EnoughError:
            if early:
                await self._end(early)
            return False
        except TimeoutError:
            await self._late()
            return False
        if fault and fault.point == "request":
            if fault.kind not in ("early_storm", "slow_head", "slow_body"):
                await self._fail(fault, behaviour)
                return False
            if fault.kind == "early_storm":
                await self._send(
                    (status_line(HTTPStatus.EARLY_HINTS, behaviour) + _EARLY + b"\r\n")
                    * fault.count
                )
        return await self._respond(request, body, behaviour, fault)

    async def _head(self, manner: Manner) -> Request:
        self._inbox.reading = manner.reading
        request = await self._inbox.head()
        if manner.drops_connect and request.method == "CONNECT":
            raise CutError("fin")
        if manner.expectation == "refused" and request.expects_more:
            raise InvalidRequestError(417, "nothing is done but 100-continue")
        return request

    async def _body(self, request: Request, fault: Fault | None) -> Body:
        if request.expects_continue and self._house.behaviour.manner.continues:
            if fault and fault.point == "request":
                return Body()
            self._writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        return await self._inbox.body(request)

    async def _respond(
        self, request: Request, body: Body, behaviour: Behaviour, fault: Fault | None
    ) -> bool:
        if behaviour.delay:
            await asyncio.sleep(behaviour.delay)
        manner = behaviour.manner
        keep = request.keeps_alive and not behaviour.closes_always
        keep = keep and (request.version == 1 or manner.keeps_10)
        spent = 0 < behaviour.max_requests <= self.requests
        if manner.over == "answer" and self._house.crowded:
            return await self._answer(busy(), request, behaviour, keep=False)
        answer = page(request, body, behaviour)
        if manner.expectation == "answered" and request.expects_more:
            answer = nothing(HTTPStatus.EXPECTATION_FAILED)
        lasts = keep and manner.lasts and spent
        if lasts and self.requests > behaviour.max_requests:
            answer = nothing(HTTPStatus.SERVICE_UNAVAILABLE)
        goes_on = await self._answer(
            answer, request, behaviour, keep=keep and not spent, fault=fault
        )
        return goes_on or lasts

    async def _fail(self, fault: Fault, behaviour: Behaviour) -> None:
        size = max(behaviour.body, 2)
        match fault.kind:
            case "garbage":
                await self._send(GARBAGE)
            case "half_head":
                await self._send(b"HTTP/1.1 200 OK\r\nContent-Ty")
            case "half_body":
                head = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n".encode()
                await self._send(head + bytes(size // 2))
            case "two_lengths":
                await self._send(two_lengths(size))
            case _:
                await self._end(fault)

    async def _end(self, fault: Fault) -> None:
        """What `fin`, `rst` and `hang` are, at any point."""
        if fault.kind == "hang":
            await self._hang()
        else:
            self.close(fault.kind)

    async def _answer(
        self,
        page: Page,
        request: Request | None,
        behaviour: Behaviour,
        *,
        keep: bool,
        fault: Fault | None = None,
    ) -> bool:
        """Send a page; whether the connection goes on. One answer is of one behaviour."""
        self._answered = asyncio.get_running_loop().time()
        if page.wait:
            await asyncio.sleep(page.wait)
        modern = request is None or (request.version == 1 and not behaviour.http10)
        if page.early and modern:
            link = _EARLY if page.early == HTTPStatus.EARLY_HINTS else b""
            await self._send(status_line(page.early, behaviour) + link + b"\r\n")
        chunked = page.length is None and modern
        keep = keep and (chunked or page.length is not None)
        head = head_of(page, request, behaviour, keep=keep, chunked=chunked)
        bodiless = page.bodiless or (request is not None and request.method == "HEAD")
        if fault and fault.kind == "slow_head":
            await self._drip(head, fault.seconds)
            head = b""
        if fault and fault.point in ("head", "body"):
            cut = 0 if fault.point == "head" or bodiless else fault.after or (page.length or 2) // 2
            await self._send(head + _start(page, cut, chunked=chunked))
            await self._end(fault)
            return False
        if bodiless:
            await self._send(head)
            return keep
        if fault and fault.kind == "slow_body":
            await self._send(head)
            whole = b"".join(page.content)
            await self._drip(chunk(whole) if chunked else whole, fault.seconds)
            head = b""
        # The head goes out with the first piece, as one segment where it fits.
        for piece in page.content:
            await self._send(head + (chunk(piece) if chunked else piece))
            head = b""
            if page.pace:
                await asyncio.sleep(page.pace)
        await self._send(head + (b"0\r\n\r\n" if chunked else b""))
        return keep

    async def _drip(self, data: bytes, seconds: float) -> None:
        """Send it in pieces, over a time."""
        step = max(1, -(-len(data) // _STEPS))
        pieces = [data[i : i + step] for i in range(0, len(data), step)]
        for piece in pieces:
            await self._send(piece)
            await asyncio.sleep(seconds / len(pieces))

    async def _send(self, data: bytes) -> None:
        if data and self._out.clear:
            self._writer.write(data)
        elif data:
            async for piece in self._out.passed(data, self._answered):
                self._writer.write(piece)
                await self._writer.drain()
            if self._out.swallowed:
                await self._inbox.swallow(self._out)
        await self._writer.drain()


def _start(page: Page, size: int, *, chunked: bool) -> bytes:
    data = b"".join(page.content)[:size]
    return chunk(data) if chunked and data else data


def _sooner(*times: float | None) -> float | None:
    return min((t for t in times if t is not None), default=None)
