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
from surehop.lab.origins.heads import GARBAGE, bare, chunk, head_of, status_line, two_lengths
from surehop.lab.origins.pages import Page, busy, page, plain
from surehop.lab.origins.request import (
    Body,
    ClientGoneError,
    EnoughError,
    Inbox,
    InvalidRequestError,
    Request,
)
from surehop.lab.sockets import reset_on_close
from surehop.lab.toxics import CutError, Pipe, Toxic

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
        self, house: House, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self.number = number
        self.requests = 0
        self.idle = True
        self.ended: tuple[str, str] | None = None  # by `client` or `server` first, and how
        self._house = house
        self._out = Pipe(house, "downstream")
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
        if behaviour.manner.bare:
            await self._send(bare(error.status))
            return
        refusal = plain(error.status, f"{error}\n".encode())
        await self._answer(refusal, None, behaviour, keep=False)

    async def _waits(self) -> bool:
        """Wait for the next request; False when the connection ends instead."""
        behaviour = self._house.behaviour
        # The clock starts when a response is finished, as Node's does, so not before the first.
        limit = None
        if not self.requests:
            limit = self._until(behaviour.head_timeout)
        elif behaviour.keepalive_timeout:
            jitter = behaviour.idle_jitter * self._house.random.uniform(-1, 1)
            span = behaviour.keepalive_timeout + behaviour.buffer + jitter
            limit = asyncio.get_running_loop().time() + max(span, 0.0)
        self.idle = True
        try:
            async with asyncio.timeout_at(limit):
                begins = await self._inbox.begins()
        except TimeoutError:
            if not self.requests:
                await self._late()
            else:
                await self._out.ended()
                self.close(self._house.behaviour.idle_close)
            return False
        else:
            if not begins:
                self._gone("fin")
            return begins
        finally:
            self.idle = False

    def _until(self, limit: float) -> float | None:
        """When something that begins now has taken too long, by the loop's clock; None: never."""
        if not limit:
            return None
        end, interval = time.monotonic() + limit, self._house.behaviour.check_interval
        if interval:
            opened = self._house.opened
            end = opened + math.ceil((end - opened) / interval) * interval
        return end

    async def _late(self) -> None:
        if self._house.behaviour.manner.answers_late:
            await self._send(bare(HTTPStatus.REQUEST_TIMEOUT))

    async def _exchange(self) -> bool:
        """One request and its answer; whether the connection goes on."""
        self.requests += 1
        early = self._house.begun(self)
        behaviour = self._house.behaviour
        whole = self._until(behaviour.request_timeout)
        try:
            with self._inbox.up_to(early.after if early else None):
                async with asyncio.timeout_at(_sooner(whole, self._until(behaviour.head_timeout))):
                    request = await self._inbox.head()
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
                    (status_line(HTTPStatus.EARLY_HINTS) + _EARLY + b"\r\n") * fault.count
                )
        return await self._respond(request, body, behaviour, fault)

    async def _body(self, request: Request, fault: Fault | None) -> Body:
        if request.expects_continue:
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
        spent = behaviour.max_requests and self.requests >= behaviour.max_requests
        if manner.over == "answer" and self._house.crowded:
            return await self._answer(busy(), request, behaviour, keep=False)
        answer = page(request, body, behaviour)
        if spent and manner.lasts and keep:
            late = self.requests > behaviour.max_requests
            answer = (
                Page(status=503, length=None, kind="") if late else page(request, body, behaviour)
            )
            await self._answer(answer, request, behaviour, keep=False, fault=fault)
            return True
        answer = page(request, body, behaviour)
        return await self._answer(answer, request, behaviour, keep=keep and not spent, fault=fault)

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
            await self._send(status_line(page.early) + link + b"\r\n")
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
